import Files
import Foundation
import Glibc

/// An output that cannot be written or read: the step, the file, and what the system said.
package struct StorageError: SystemFault, Hashable, CustomStringConvertible {
    /// The step that failed.
    package enum Code: String, Sendable {
        case create, open, read, write, sync, publish, remove
        /// A file of another stands where one of the build belongs.
        case occupied
    }

    package let code: Code
    package let path: String
    package let reason: String
    /// The system's number for the fault; 0 where it is not the system's.
    package let number: Int32

    package var description: String { "\(path): \(code.rawValue): \(reason)" }

    init(_ code: Code, _ path: String, _ reason: String, number: Int32 = 0) {
        self.code = code
        self.path = path
        self.reason = reason
        self.number = number
    }

    /// What the system said of its last call.
    init(_ code: Code, _ path: String) { self.init(code, path, String(cString: strerror(errno)), number: errno) }

    init(_ error: FileError) {
        let code: Code =
            switch error.step {
            case .create: .create
            case .open: .open
            case .write: .write
            case .sync: .sync
            case .rename: .publish
            }
        self.init(code, error.path, error.reason, number: error.number)
    }
}

/// A data set in a directory: what is under `shards/` is published and whole, everything else is under `.state/`.
package struct OutputDirectory: Sendable, Hashable {
    package let root: String

    package init(_ root: String) { self.root = root }

    package var shardFolder: String { root + "/shards" }
    package var stateFolder: String { root + "/.state" }
    package var scratchFolder: String { stateFolder + "/scratch" }
    /// Where shards wait, whole and recorded, until it is known which of their samples are kept.
    package var draftFolder: String { stateFolder + "/drafts" }
    /// Where it stands which rows of a source are duplicates.
    package func duplicatesPath(_ source: String) -> String { "\(stateFolder)/duplicates-\(source).bits" }
    /// Where lists from elsewhere are kept.
    package var inputsFolder: String { stateFolder + "/inputs" }
    /// Where workers write down the rows on which they crash.
    package var crashLogPath: String { stateFolder + "/crashes" }
    /// Where the job store is.
    package var storePath: String { stateFolder + "/build.sqlite" }
    /// What identifies the lists, remembered.
    package var fingerprintsPath: String { stateFolder + "/fingerprints.json" }
    package var descriptionPath: String { root + "/dataset.json" }

    package func shardPath(_ name: String) -> String { "\(shardFolder)/\(name).tar.zst" }
    package func tablePath(_ name: String) -> String { "\(shardFolder)/\(name).parquet" }
    package func draftShard(_ name: String) -> String { "\(draftFolder)/\(name).tar.zst" }
    package func draftTable(_ name: String) -> String { "\(draftFolder)/\(name).parquet" }

    /// Where a worker writes the two files of a shard; `generation` keeps a stale worker's files apart.
    package func scratchShard(_ name: String, generation: Int) -> String {
        "\(scratchFolder)/\(name).\(generation).tar.zst"
    }
    package func scratchTable(_ name: String, generation: Int) -> String {
        "\(scratchFolder)/\(name).\(generation).parquet"
    }

    /// Makes the folders, durably.
    package func create() throws(StorageError) {
        for folder in [root, shardFolder, stateFolder, scratchFolder, draftFolder] {
            try checked { () throws(FileError) in try makeFolder(folder) }
        }
        for folder in [root, stateFolder] { try syncFolder(folder) }
        try? syncFolder(root + "/..")  // not ours, and perhaps not readable
    }

    /// Throws where a megabyte cannot be written: a disk that is full from the start is better known at once.
    package func requireSpace() throws(StorageError) {
        let probe = scratchFolder + "/probe"
        defer { unlink(probe) }
        try checked { () throws(FileError) in try writeFile([UInt8](repeating: 1, count: 1 << 20), to: probe) }
    }

    /// Renames the finished, synced files of a shard under `shards/`, the table first, and makes the names durable.
    ///
    /// A shard is there when its `.tar.zst` is. Who is killed before that leaves a table alone, and who is killed before
    /// the shard is recorded leaves both: `remove` takes them away at the next start, and the unit is done again.
    package func publish(_ name: String, generation: Int) throws(StorageError) {
        try place(name, generation, shard: shardPath(name), table: tablePath(name))
    }

    /// Renames the finished, synced files of a shard to where they wait for `publish`, durably.
    package func keepDraft(_ name: String, generation: Int) throws(StorageError) {
        try place(name, generation, shard: draftShard(name), table: draftTable(name))
    }

    private func place(_ name: String, _ generation: Int, shard: String, table: String) throws(StorageError) {
        let scratch = (
            shard: scratchShard(name, generation: generation), table: scratchTable(name, generation: generation)
        )
        for path in [scratch.table, scratch.shard] where access(path, R_OK) != 0 { throw StorageError(.publish, path) }
        try checked { () throws(FileError) in try publishFile(scratch.table, as: table) }
        do {
            try publishFile(scratch.shard, as: shard)
        } catch {
            unlink(table)  // a table alone is no shard
            throw StorageError(error)
        }
    }

    /// Gives the files of a draft names in scratch too, so that `publish` takes them as they are and the draft stays.
    ///
    /// - Throws: Also where the file system gives no file a second name.
    package func linkDraft(_ name: String, generation: Int) throws(StorageError) {
        let links = [
            (draftTable(name), scratchTable(name, generation: generation)),
            (draftShard(name), scratchShard(name, generation: generation)),
        ]
        for (draft, scratch) in links where link(draft, scratch) != 0 {
            let error = StorageError(.create, scratch)
            for (_, scratch) in links { unlink(scratch) }  // who writes there must not write into the draft
            throw error
        }
    }

    /// Removes the draft of a shard that is published.
    package func removeDraft(_ name: String) throws(StorageError) {
        for path in [draftShard(name), draftTable(name)] where unlink(path) != 0 && errno != ENOENT {
            throw StorageError(.remove, path)
        }
    }

    /// Removes the files of the build's own shards `names`, whole or not, which are not recorded as published.
    package func remove(_ names: [String]) throws(StorageError) {
        for path in names.flatMap({ [shardPath($0), tablePath($0)] }) where unlink(path) != 0 && errno != ENOENT {
            throw StorageError(.remove, path)
        }
        try syncFolder(shardFolder)
    }

    /// Throws `occupied` where a file stands under the name of a shard that is not there yet.
    package func requireFree(_ name: String) throws(StorageError) {
        for path in [shardPath(name), tablePath(name)] where isThere(path) {
            throw StorageError(.occupied, path, "not a file of this build: move it away, and run the same command")
        }
    }

    /// Removes everything under the scratch folder but `kept`; call it while no worker runs.
    package func clearScratch(but kept: String? = nil) throws(StorageError) { try clear(scratchFolder, but: kept) }

    /// Removes what is left of drafts; call it when every shard is published.
    package func clearDrafts() throws(StorageError) { try clear(draftFolder, but: nil) }

    private func clear(_ folder: String, but kept: String?) throws(StorageError) {
        do {
            for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file != kept {
                try FileManager.default.removeItem(atPath: folder + "/" + file)
            }
        } catch {
            throw StorageError(.remove, folder, error.localizedDescription)
        }
    }

    /// Replaces the file `name` under the root in one step: a reader sees the old or the new content, whole.
    package func write(_ bytes: [UInt8], to name: String) throws(StorageError) {
        try checked { () throws(FileError) in
            let partial = scratchFolder + "/" + name.replacing("/", with: "-") + ".partial"
            try writeFile(bytes, to: root + "/" + name, through: partial)
        }
    }

    /// The names of the shards whose files are there, sorted.
    package func shardNames() -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: shardFolder)) ?? []  // no folder, no shards
        return files.filter { $0.hasSuffix(".tar.zst") }.map { String($0.dropLast(".tar.zst".count)) }.sorted()
    }

    private func syncFolder(_ path: String) throws(StorageError) {
        try checked { () throws(FileError) in try syncFile(path) }
    }

    /// What `body` throws as this module's own error.
    private func checked(_ body: () throws(FileError) -> Void) throws(StorageError) {
        do { try body() } catch { throw StorageError(error) }
    }
}
