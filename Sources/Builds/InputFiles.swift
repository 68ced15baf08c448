import Commands
import Digests
import Files
import Foundation
import Glibc
import Locks
package import Manifests
import Samples

/// What identifies the content of files, found out once while a file stays as it is.
///
/// A digest of the whole file, so that an edit anywhere is noticed; of tables and archives, which may have terabytes, of the
/// length and 64 KiB at both ends and at 62 places between.
package final class Fingerprints: Sendable {
    private struct Entry: Codable {
        let mark: FileMark
        let fingerprint: String
    }

    private static let blockByteCount = 64 << 10
    private static let blockCount = 64

    private let path: String?
    private let known: Locked<[String: Entry]>

    /// Remembers them in the file `path`, or for the life of this value alone.
    package init(path: String? = nil) {
        self.path = path
        let data = path.flatMap { FileManager.default.contents(atPath: $0) }
        // A file that cannot be read is made anew.
        known = Locked(data.flatMap { try? JSONDecoder().decode([String: Entry].self, from: $0) } ?? [:])
    }

    /// The mark of the file `path` as it is now.
    static func mark(_ path: String) throws(CommandError) -> FileMark {
        do {
            return try FileMark(path)
        } catch {
            throw CommandError(.badInput, "\(path): unreadable: \(error.reason)")
        }
    }

    /// What identifies the content of `path`; `isHuge` looks at parts of it.
    func fingerprint(_ path: String, isHuge: Bool = false) throws -> String {
        let mark = try Self.mark(path)
        if let entry = known.withLock({ $0[path] }), entry.mark == mark { return entry.fingerprint }
        let now = Int(Date().timeIntervalSince1970 * 1e9)
        let digest: ContentDigest
        do {
            digest = try isHuge ? Self.sampledDigest(path, mark.byteCount) : Digests.digest(ofFile: path).digest
        } catch {
            throw CommandError(.badInput, "\(path): unreadable: \(error.localizedDescription)")
        }
        guard try Self.mark(path) == mark else { throw InputFiles.changed(path) }
        let fingerprint = "\(mark.byteCount) bytes, \(digest.hex.prefix(16))"
        if mark.isSettled(at: now) { try remember(Entry(mark: mark, fingerprint: fingerprint), path) }
        return fingerprint
    }

    private func remember(_ entry: Entry, _ file: String) throws {
        let all = known.withLock { known in
            known[file] = entry
            return known
        }
        guard let path else { return }
        try FileManager.default.createDirectory(atPath: folder(of: path), withIntermediateDirectories: true)
        try writeFile(JSONEncoder().encode(all), to: path)
    }

    private static func sampledDigest(_ path: String, _ byteCount: Int) throws -> ContentDigest {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }  // read only: nothing can be lost
        let digester = Digester()
        let last = max(0, byteCount - blockByteCount)
        var end = 0
        for block in 0..<blockCount {
            let offset = max(end, last * block / (blockCount - 1))
            guard offset < byteCount else { break }
            try file.seek(toOffset: UInt64(offset))
            let bytes = Array(try file.read(upToCount: blockByteCount) ?? Data())
            digester.update(bytes)
            end = offset + bytes.count
        }
        return digester.finish()
    }
}

/// The lists that a build reads rows from and judges them by, as they were when it began.
package final class InputFiles: Sendable {
    private struct File {
        /// What a person calls it: the key of the manifest, and the file's name.
        let key: String
        let path: String
        let isHuge: Bool
        var mark: FileMark
        let fingerprint: String
    }

    private let fingerprints: Fingerprints
    private let files: Locked<[File]>

    package init(_ manifest: Manifest, _ fingerprints: Fingerprints) throws {
        self.fingerprints = fingerprints
        var files: [File] = []
        func add(_ paths: [String], _ key: String, isHuge: Bool = false) throws {
            for (index, path) in paths.enumerated() {
                let place = paths.count > 1 ? "\(key)[\(index)]" : key
                let name = path.split(separator: "/").last.map(String.init) ?? path
                files.append(
                    File(
                        key: "\(place): content of \(name)", path: path, isHuge: isHuge,
                        mark: try Fingerprints.mark(path),
                        fingerprint: try fingerprints.fingerprint(path, isHuge: isHuge)))
            }
        }
        for (index, source) in manifest.sources.enumerated() {
            try add(
                source.paths, "sources[\(index)].path",
                isHuge: [.parquet, .laion, .webdataset, .shards].contains(source.format))
        }
        try add(manifest.exclude.urls, "exclude.urls")
        try add(manifest.exclude.images, "exclude.images")
        try add(manifest.exclude.digests, "exclude.digests")
        self.files = Locked(files)
    }

    /// As settings of a build: an output is not continued with other lists.
    package var settings: [String: String] {
        files.withLock { files in
            Dictionary(files.map { ($0.key, $0.fingerprint) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// Throws where a list is not what it was: rows of two lists do not go together.
    ///
    /// Costs a look at each file's times; one that was only touched is read again.
    package func check() throws {
        for (index, file) in files.withLock({ $0 }).enumerated() {
            guard let mark = try? Fingerprints.mark(file.path) else { throw Self.changed(file.path) }
            guard mark != file.mark else { continue }
            guard try fingerprints.fingerprint(file.path, isHuge: file.isHuge) == file.fingerprint else {
                throw Self.changed(file.path)
            }
            files.withLock { $0[index].mark = mark }
        }
    }

    static func changed(_ path: String) -> CommandError {
        CommandError(
            .badInput,
            "\(path): changed while it was read: put it back as it was and run the same command, "
                + "or build into another folder")
    }
}
