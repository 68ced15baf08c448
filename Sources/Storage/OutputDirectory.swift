import Foundation
import Glibc

/// An output that cannot be written or read: the step, the file, and what the system said.
package struct StorageError: Error, Hashable, CustomStringConvertible {
    package let step: String
    package let path: String
    package let reason: String

    package var description: String { "\(path): \(step): \(reason)" }

    init(_ step: String, _ path: String, _ reason: String = String(cString: strerror(errno))) {
        self.step = step
        self.path = path
        self.reason = reason
    }
}

/// A data set in a directory: what is under `shards/` is published and whole, everything else is under `.state/`.
package struct OutputDirectory: Sendable, Hashable {
    package let root: String

    package init(_ root: String) { self.root = root }

    package var shardFolder: String { root + "/shards" }
    package var stateFolder: String { root + "/.state" }
    package var scratchFolder: String { stateFolder + "/scratch" }
    package var descriptionPath: String { root + "/dataset.json" }

    package func shardPath(_ name: String) -> String { "\(shardFolder)/\(name).tar.zst" }
    package func tablePath(_ name: String) -> String { "\(shardFolder)/\(name).parquet" }

    /// Where a worker writes the two files of a shard; `generation` keeps a stale worker's files apart.
    package func scratchShard(_ name: String, generation: Int) -> String {
        "\(scratchFolder)/\(name).\(generation).tar.zst"
    }
    package func scratchTable(_ name: String, generation: Int) -> String {
        "\(scratchFolder)/\(name).\(generation).parquet"
    }

    /// Makes the folders.
    package func create() throws(StorageError) {
        for folder in [root, shardFolder, stateFolder, scratchFolder] {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            } catch {
                throw StorageError("create the folder", folder, error.localizedDescription)
            }
        }
    }

    /// Renames the finished, synced files of a shard under `shards/`, the table first, and makes the names durable.
    ///
    /// Doing it again after a crash is harmless: a file that was renamed already stays, a new one of the same bytes
    /// takes the place of the old.
    package func publish(_ name: String, generation: Int) throws(StorageError) {
        let moves = [
            (scratchTable(name, generation: generation), tablePath(name)),
            (scratchShard(name, generation: generation), shardPath(name)),
        ]
        for (scratch, _) in moves where access(scratch, R_OK) != 0 { throw StorageError("publish", scratch) }
        for (scratch, final) in moves where rename(scratch, final) != 0 { throw StorageError("publish", final) }
        try syncFolder(shardFolder)
    }

    /// Removes everything under the scratch folder; call it while no worker runs.
    package func clearScratch() throws(StorageError) {
        do {
            for file in try FileManager.default.contentsOfDirectory(atPath: scratchFolder) {
                try FileManager.default.removeItem(atPath: scratchFolder + "/" + file)
            }
        } catch {
            throw StorageError("clear", scratchFolder, error.localizedDescription)
        }
    }

    /// Replaces the file `name` under the root in one step: a reader sees the old or the new content, whole.
    package func write(_ bytes: [UInt8], to name: String) throws(StorageError) {
        let (final, partial) = (root + "/" + name, scratchFolder + "/" + name + ".partial")
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw StorageError("create", partial) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else { throw StorageError("write", partial) }
            done += wrote
        }
        guard fsync(descriptor) == 0 else { throw StorageError("sync", partial) }
        guard rename(partial, final) == 0 else { throw StorageError("publish", final) }
        try syncFolder(root)
    }

    /// The names of the shards whose files are there, sorted.
    package func shardNames() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: shardFolder)) ?? []  // no folder, no shards
        return files.filter { $0.hasSuffix(".tar.zst") }.map { String($0.dropLast(".tar.zst".count)) }.sorted()
    }

    private func syncFolder(_ path: String) throws(StorageError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StorageError("sync", path) }
    }
}
