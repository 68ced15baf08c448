import Archives
import Commands
import Digests
import Fetching
import Files
import Foundation
import Glibc
package import Logging
package import Manifests
import Samples

/// Brings the lists of a manifest where rows are read at any place: those at http, https and s3 addresses are fetched, and
/// those that are compressed unpacked, once.
package struct LocalInputs {
    private let folder: String
    private let downloader: FileDownloader
    private let client: HTTPClient
    private let s3: S3Endpoint
    private let fingerprints: Fingerprints
    private let logger: Logger

    /// Keeps the files in `folder`; those that are there already are taken as they are.
    package init(folder: String, fingerprints: Fingerprints = Fingerprints(), logger: Logger) {
        (self.folder, self.fingerprints, self.logger) = (folder, fingerprints, logger)
        s3 = S3Endpoint(environment: ProcessInfo.processInfo.environment)
        client = HTTPClient(userAgent: "blip2-pipeline/\(softwareVersion)")
        downloader = FileDownloader(client, s3: s3)
    }

    /// The manifest with local paths; it is given back as it is where it has no other ones.
    package func localized(_ manifest: Manifest) async throws -> Manifest {
        var manifest = manifest
        for index in manifest.sources.indices {
            let name = manifest.sources[index].name
            let paths = manifest.sources[index].paths
            let encoding = manifest.sources[index].encoding
            manifest.sources[index].paths =
                try await manifest.sources[index].format.isText
                ? readable(paths, name, encoding) : localized(paths, name)
            manifest.sources[index].imageRoots = try await localized(
                manifest.sources[index].imageRoots, name + "/images")
        }
        manifest.exclude.urls = try await readable(manifest.exclude.urls, ".exclude-urls")
        manifest.exclude.images = try await readable(manifest.exclude.images, ".exclude-images")
        manifest.exclude.digests = try await readable(manifest.exclude.digests, ".exclude-digests")
        return manifest
    }

    private func readable(
        _ paths: [String], _ name: String, _ encoding: Source.Encoding? = nil
    ) async throws -> [String] {
        let paths = try await localized(paths, name)
        return try await abandonable { try paths.map { try recoded(unpacked($0, name), encoding, name) } }
    }

    private func localized(_ paths: [String], _ name: String) async throws -> [String] {
        var local: [String] = []
        for path in paths {
            guard path.contains("://") else {
                local.append(path)
                continue
            }
            for address in try await expanded(path) { local.append(try await file(address, name)) }
        }
        return local
    }

    /// The path of what `path` holds; the same where it is not compressed, whatever its name says.
    private func unpacked(_ path: String, _ name: String) throws -> String {
        // One that cannot be read is told of by whoever reads it.
        guard (try? isCompressed(path)) == true else { return path }
        let last = path.split(separator: "/").last.map(String.init) ?? "list"
        let suffix = [".gz", ".zst", ".bz2", ".xz"].first(where: last.hasSuffix) ?? ""
        return try made(of: path, as: String(last.dropLast(suffix.count)), name, "unpacking a list") { target in
            try unpack(path, to: target)
        }
    }

    /// The path of the text of `path` in UTF-8.
    private func recoded(_ path: String, _ encoding: Source.Encoding?, _ name: String) throws -> String {
        guard let encoding else { return path }
        let last = path.split(separator: "/").last.map(String.init) ?? "list"
        return try made(
            of: path, as: encoding.rawValue + "-" + last, name, "converting a list to UTF-8"
        ) { target in
            try recode(path, from: encoding.iconvName, to: target)
        }
    }

    /// The path of what `make` makes of the list `path`, once; `last` ends the file's name.
    private func made(
        of path: String, as last: String, _ name: String, _ message: Logger.Message, _ make: (String) throws -> Void
    ) throws -> String {
        // A list that was replaced since has another fingerprint, and is made anew.
        let mark = digest(of: path + (try fingerprints.fingerprint(path))).hex.prefix(16)
        let target = "\(folder)/\(name)/\(mark)-\(last)"
        guard !FileManager.default.fileExists(atPath: target) else { return target }
        logger.info(message, metadata: ["path": "\(path)"])
        do {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            try make(target)
        } catch let error as ArchiveError where error.code == .unwritable {
            throw CommandError(.failedWork, "\(error)")
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
        return target
    }

    /// The addresses that `address` stands for: one, or the objects of a bucket that a pattern matches.
    private func expanded(_ address: String) async throws -> [String] {
        guard ["http://", "https://", "s3://"].contains(where: address.hasPrefix) else {
            throw CommandError(.badInput, "\(address): want a path, or an http, https or s3 address")
        }
        guard let (bucket, pattern) = S3Endpoint.parts(of: address), pattern.contains(where: { "*?[".contains($0) })
        else {
            return [address]
        }
        do {
            let prefix = String(pattern.prefix { !"*?[".contains($0) })
            let keys = try await s3.keys(bucket: bucket, prefix: prefix, client)
            let matching = keys.filter { unsafe fnmatch(pattern, $0, FNM_PATHNAME) == 0 }
            guard !matching.isEmpty else { throw CommandError(.badInput, "\(address): no object matches") }
            return matching.map { "s3://\(bucket)/\($0)" }
        } catch let error as FetchFailure {
            throw CommandError(error)
        }
    }

    private func file(_ address: String, _ name: String) async throws -> String {
        // The last part of the address says what kind of file it is; the digest in front keeps equal names apart.
        let last = address.prefix { $0 != "?" && $0 != "#" }.split(separator: "/").last.map(String.init) ?? "list"
        let path = "\(folder)/\(name)/\(digest(of: address).hex.prefix(16))-\(last)"
        guard !FileManager.default.fileExists(atPath: path) else { return path }
        logger.info("fetching a list", metadata: ["address": "\(address)"])
        do {
            try await downloader.download(address, to: path)
        } catch let error as FetchFailure {
            throw CommandError(error)
        }
        return path
    }
}

extension CommandError {
    /// A list that a server refuses is bad input; a server that does not answer is a service that cannot be reached.
    fileprivate init(_ failure: FetchFailure) {
        let isRefused = failure.httpStatus.map { $0 < 500 && $0 != 429 } ?? (failure.rejection.reason == .badRow)
        self.init(isRefused ? .badInput : .unavailable, failure.rejection.message)
    }
}
