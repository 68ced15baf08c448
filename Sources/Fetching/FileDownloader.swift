import Files
import Foundation
import Glibc
import Samples

/// Downloads large files part by part, and resumes a download that was interrupted.
///
/// For addresses that a person wrote down, such as a manifest's lists: any address may be reached.
package struct FileDownloader: Sendable {
    private static let partByteCount = 32 << 20
    /// The largest file that a server without ranges may send.
    private static let wholeByteLimit = 512 << 20
    private static let redirectLimit = 5
    private static let retryLimit = 5

    private let client: HTTPClient
    private let s3: S3Endpoint
    private let clock: any Clock<Duration>

    package init(_ client: HTTPClient, s3: S3Endpoint, clock: any Clock<Duration> = ContinuousClock()) {
        (self.client, self.s3, self.clock) = (client, s3, clock)
    }

    /// Downloads the http, https or s3 address `address` to the file `path`, which is there only when it is whole.
    ///
    /// - Throws: A `FetchFailure` that says why the file cannot be downloaded, or a `CancellationError`.
    package func download(_ address: String, to path: String) async throws {
        var file = try PartialFile(path)
        var source = try Source(address, s3)
        var (redirects, retries, restarts) = (0, 0, 0)
        var asksForParts = true
        while true {
            try Task.checkCancellation()
            let answer = try await request(source, from: file, asksForParts: asksForParts)
            switch answer.status {
            case 200:
                try file.restart(tag: answer.tag)
                try file.append(answer.body)
                return try file.finish()
            case 206:
                guard let (start, total) = answer.range, start == file.byteCount else {
                    throw failure(address, "an answer that is not the requested part", answer.status)
                }
                if file.byteCount == 0 { try file.restart(tag: answer.tag) }
                try file.append(answer.body)
                retries = 0
                if file.byteCount >= total { return try file.finish() }
                guard !answer.body.isEmpty else {
                    throw failure(address, "an empty part of a file that is not whole", answer.status)
                }
            case 416 where answer.range?.total == file.byteCount: return try file.finish()
            case 412, 416:
                // A server that takes no range at all, not even one from the start, is asked for the whole.
                if file.byteCount == 0 { asksForParts = false }
                restarts += 1
                guard restarts <= Self.retryLimit else {
                    throw failure(address, "status \(answer.status)", answer.status)
                }
                try file.restart(tag: nil)
            case 301, 302, 303, 307, 308:
                redirects += 1
                guard redirects <= Self.redirectLimit, let location = answer.value("location") else {
                    throw failure(address, "redirects that lead nowhere", answer.status)
                }
                source = try source.redirected(to: location)
            case 429, 500...599:
                retries += 1
                guard retries <= Self.retryLimit else {
                    throw failure(address, "status \(answer.status)", answer.status)
                }
                try await clock.sleep(for: .seconds(1 << retries))
            default: throw failure(address, "status \(answer.status)", answer.status)
            }
        }
    }

    private func request(
        _ source: Source, from file: PartialFile, asksForParts: Bool
    ) async throws -> HTTPResponse {
        let end = file.byteCount + Self.partByteCount - 1
        var headers = [("Accept-Encoding", "identity")]
        if asksForParts { headers.append(("Range", "bytes=\(file.byteCount)-\(end)")) }
        if file.byteCount > 0, let tag = file.tag { headers.append(("If-Range", tag)) }
        var retry = 0
        while true {
            do throws(FetchFailure) {
                return try await client.request(
                    "GET", source.url, headers: headers + source.headers, signature: source.signature,
                    timeout: .seconds(600), maxBytes: Self.wholeByteLimit)
            } catch {
                retry += 1
                guard [.timeout, .downloadError].contains(error.rejection.reason), retry <= Self.retryLimit else {
                    throw failure(source.url, error.rejection.message, nil)
                }
                try await clock.sleep(for: .seconds(1 << retry))
            }
        }
    }

    private func failure(_ address: String, _ text: String, _ status: Int?) -> FetchFailure {
        FetchFailure(Rejection(.downloadError, "\(address): \(text)"), httpStatus: status, finalURL: address)
    }
}

/// Where a file comes from, and what a request for it carries.
private struct Source {
    let url: String
    var headers: [(String, String)] = []
    var signature: RequestSignature?

    init(_ address: String, _ s3: S3Endpoint) throws(FetchFailure) {
        guard address.hasPrefix("s3://") else {
            url = address
            return
        }
        guard let (bucket, key) = S3Endpoint.parts(of: address) else {
            throw FetchFailure(Rejection(.badRow, "\(address): want s3://BUCKET/KEY"))
        }
        url = s3.url(bucket: bucket, key: key)
        headers = s3.headers.map { ($0.name, $0.value) }
        signature = s3.signature
    }

    /// The place that a server names, without what is meant for the server's own eyes.
    func redirected(to location: String) throws(FetchFailure) -> Source {
        do throws(WebAddress.Fault) {
            return Source(url: "\(try WebAddress(url).resolving(location))")
        } catch {
            throw FetchFailure(Rejection(.downloadError, "\(url): a redirect that cannot be followed"))
        }
    }

    private init(url: String) { self.url = url }
}

/// A file that grows beside its final name, with the tag of what it is a part of.
private struct PartialFile {
    private let path: String
    private let handle: FileHandle
    private(set) var byteCount: Int
    private(set) var tag: String?
    private var partial: String { path + ".partial" }

    init(_ path: String) throws {
        self.path = path
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let partial = path + ".partial"
        tag = try? String(contentsOfFile: partial + ".tag", encoding: .utf8)  // none, where nothing was begun
        if !FileManager.default.fileExists(atPath: partial) {
            guard FileManager.default.createFile(atPath: partial, contents: nil) else {
                throw FetchFailure(Rejection(.downloadError, "\(partial): cannot be created"))
            }
        }
        handle = try FileHandle(forUpdating: URL(fileURLWithPath: partial))
        guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw FetchFailure(Rejection(.downloadError, "\(path): another process is fetching it"))
        }
        byteCount = Int(try handle.seekToEnd())
        if tag == nil { try restart(tag: nil) }  // nobody can say what it is a part of
    }

    mutating func restart(tag: String?) throws {
        try handle.truncate(atOffset: 0)
        byteCount = 0
        self.tag = tag
        if let tag {
            try Data(tag.utf8).write(to: URL(fileURLWithPath: partial + ".tag"))
        } else {
            unlink(partial + ".tag")
        }
    }

    mutating func append(_ bytes: [UInt8]) throws {
        try handle.write(contentsOf: Data(bytes))
        byteCount += bytes.count
    }

    func finish() throws {
        do {
            try publishFile(partial, as: path)
        } catch {
            throw FetchFailure(Rejection(.downloadError, "\(error)"))
        }
        try handle.close()
        unlink(partial + ".tag")
    }
}

extension HTTPResponse {
    fileprivate func value(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// What names this version of the file: a strong tag, or the time of its last change.
    fileprivate var tag: String? { value("etag").flatMap { $0.hasPrefix("W/") ? nil : $0 } ?? value("last-modified") }

    /// Of `bytes 0-9/100` or `bytes */100` where the part starts and how long the whole is.
    fileprivate var range: (start: Int, total: Int)? {
        guard let value = value("content-range"), value.hasPrefix("bytes "),
            let slash = value.lastIndex(of: "/"), let total = Int(value[value.index(after: slash)...])
        else { return nil }
        let start = value.dropFirst(6).prefix { $0.isNumber }
        return (Int(start) ?? total, total)
    }
}
