package import Files
import Foundation
import Glibc

/// A data set in a directory: what is under `shards/` is published and whole, everything else is under `.state/`.
package struct OutputDirectory: Sendable, Hashable {
    package let root: String

    package init(_ root: String) { self.root = root }

    /// The same as readers find it, in a store.
    package var dataset: Dataset { Dataset(store) }
    package var store: DirectoryStore { DirectoryStore(root, partialFolder: DatasetLayout.scratchFolder) }

    /// Where the object `key` is.
    package func path(_ key: ObjectKey) -> String { root + "/" + key.text }

    package var shardFolder: String { root + "/" + DatasetLayout.shardFolder }
    package var stateFolder: String { root + "/" + DatasetLayout.stateFolder }
    package var scratchFolder: String { root + "/" + DatasetLayout.scratchFolder }
    package var draftFolder: String { root + "/" + DatasetLayout.draftFolder }
    package var sortingFolder: String { root + "/" + DatasetLayout.sortingFolder }
    package var inputsFolder: String { root + "/" + DatasetLayout.inputsFolder }
    package var crashLogPath: String { path(DatasetLayout.crashes) }
    package var storePath: String { path(DatasetLayout.jobStore) }
    package var storeAddressPath: String { path(DatasetLayout.storeAddress) }
    package var buildIDPath: String { path(DatasetLayout.buildID) }
    package var fingerprintsPath: String { path(DatasetLayout.fingerprints) }
    package var tokenPath: String { path(DatasetLayout.token) }
    package var hostsPath: String { path(DatasetLayout.hosts) }
    package var descriptionPath: String { path(DatasetLayout.description) }
    package func duplicatesPath(_ source: String) -> String { path(DatasetLayout.duplicates(source)) }

    package func shardPath(_ name: String) -> String { path(DatasetLayout.shard(name)) }
    package func tablePath(_ name: String) -> String { path(DatasetLayout.table(name)) }
    package func draftShard(_ name: String) -> String { path(DatasetLayout.draftShard(name)) }
    package func draftTable(_ name: String) -> String { path(DatasetLayout.draftTable(name)) }
    package func scratchShard(_ name: String, generation: Int) -> String {
        path(DatasetLayout.scratchShard(name, generation: generation))
    }
    package func scratchTable(_ name: String, generation: Int) -> String {
        path(DatasetLayout.scratchTable(name, generation: generation))
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
        let probe = DatasetLayout.probe
        defer { unlink(path(probe)) }
        try store.put([UInt8](repeating: 1, count: 1 << 20), to: probe)  // also beside another command that tries
    }

    /// Puts the two objects that were made of a shard under `shards/`, the table first, durably.
    ///
    /// A shard is there when its `.tar.zst` is. A process that is killed before that leaves a table alone, and one that is killed
    /// before the shard is recorded leaves both. What was made stays where it is until both are in place, so that this can be
    /// repeated.
    package func publish(_ made: MadeShard) throws(StorageError) {
        try place(made, shard: DatasetLayout.shard(made.name), table: DatasetLayout.table(made.name))
    }

    /// Puts them to where they wait for `publish`, durably.
    package func keepDraft(_ made: MadeShard) throws(StorageError) {
        try place(made, shard: DatasetLayout.draftShard(made.name), table: DatasetLayout.draftTable(made.name))
    }

    private func place(_ made: MadeShard, shard: ObjectKey, table: ObjectKey) throws(StorageError) {
        for key in [made.table, made.shard] where try store.stat(key) == nil {
            throw StorageError(.publish, path(key), "no such file")
        }
        do {
            // A power cut may keep either name alone: what was made is still there then, and this is done again.
            try store.copyAll([ObjectCopy(made.table, to: table), ObjectCopy(made.shard, to: shard)])
        } catch {
            // A table alone is no shard. Where what was made is gone, another has put both in place meanwhile.
            if error.code != .missing, try store.stat(shard) == nil { try? store.delete(table) }
            throw error
        }
        // Litter where it fails, which the end of the build removes.
        for key in [made.table, made.shard] { try? store.delete(key) }
    }

    /// Copies the draft of a shard to where a worker puts what it has made; the draft stays.
    package func copyDraft(to made: MadeShard) throws(StorageError) {
        try store.copyAll([
            ObjectCopy(DatasetLayout.draftTable(made.name), to: made.table),
            ObjectCopy(DatasetLayout.draftShard(made.name), to: made.shard),
        ])
    }

    /// Removes what was made of a shard and is not in place.
    package func discard(_ made: MadeShard) throws(StorageError) {
        for key in [made.shard, made.table] { try store.delete(key) }
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

    /// Whether neither file of the shard `name` is there, whose ever it is.
    package func isFree(_ name: String) -> Bool { !isThere(shardPath(name)) && !isThere(tablePath(name)) }

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

    /// Replaces the object `key` in one step: a reader sees the old or the new content, whole.
    package func write(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError) { try store.put(bytes, to: key) }

    /// Replaces the object `key` by what `body` writes, in one step; also throws what `body` throws, and then leaves it as it was.
    ///
    /// Several may write at once, such as a coordinator that was stopped and goes on beside the one that took over from it: each
    /// writes a partial file of its own.
    package func write(to key: ObjectKey, _ body: (OpenFile) throws -> Void) throws { try store.put(to: key, body) }

    private func syncFolder(_ path: String) throws(StorageError) {
        try checked { () throws(FileError) in try syncFile(path) }
    }

    /// What `body` throws as this module's own error.
    private func checked(_ body: () throws(FileError) -> Void) throws(StorageError) {
        do { try body() } catch { throw StorageError(error) }
    }
}
