import Digests
import Foundation
import Samples

// Which files of an output are the build's own: it overwrites no other's.
extension OutputDirectory {
    /// What a build writes beside its shards, again and again.
    private static let describing = [
        DatasetLayout.description, DatasetLayout.croissant, DatasetLayout.card, DatasetLayout.manifest,
    ]

    /// What is in the state folder before there is a plan; also as partial files, where a build was killed.
    private static let ownState =
        [
            DatasetLayout.inputsFolder, DatasetLayout.scratchFolder, DatasetLayout.draftFolder,
            DatasetLayout.logFolder, DatasetLayout.jobFolder,
        ]
        + [
            DatasetLayout.buildID, DatasetLayout.storeAddress, DatasetLayout.address, DatasetLayout.token,
            DatasetLayout.hosts,
            DatasetLayout.crashes, DatasetLayout.fingerprints, DatasetLayout.written,
        ].map(\.text)

    private var writtenPath: String { path(DatasetLayout.written) }

    /// Whether a build has begun to write here, as far as a job store was made.
    package var isBegun: Bool { isThere(storePath) || isThere(storeAddressPath) }

    /// Whether the job store is on a server.
    package var hasServer: Bool { isThere(storeAddressPath) }

    /// Throws `occupied` where names of a build that has not begun yet are taken.
    package func requireFree() throws(StorageError) {
        var taken = Self.describing.filter { isThere(path($0)) }.map(\.text)
        if !names(in: shardFolder).isEmpty { taken.append(DatasetLayout.shardFolder) }
        let state = names(in: stateFolder).filter { name in
            let path = DatasetLayout.stateFolder + "/" + name
            let whole = path.hasSuffix(".partial") ? String(path.dropLast(".partial".count)) : path
            let isLock = path == DatasetLayout.buildID.text + ".lock"
            return !path.hasPrefix(DatasetLayout.jobStore.text) && !isLock && !Self.ownState.contains(whole)
        }
        if !state.isEmpty { taken.append(DatasetLayout.stateFolder) }
        guard !taken.isEmpty else { return }
        throw StorageError(
            .occupied, root,
            "\(taken.joined(separator: ", ")) would be overwritten: move that away, or build into another folder")
    }

    /// Notes that nothing was written yet, unless something was.
    package func beginWriting() throws(StorageError) {
        if !isThere(writtenPath) { try save([]) }
    }

    /// Writes `card`, in one step, unless a person has edited what is there.
    ///
    /// That is what is not as it was written here the last time. Answers whether the card is there.
    package func writeCard(_ card: [UInt8]) throws(StorageError) -> Bool {
        let written = try readWritten()
        let new = digest(of: card).hex
        let present = FileManager.default.contents(atPath: path(DatasetLayout.card)).map { digest(of: [UInt8]($0)).hex }
        if present == new { return true }
        // An output of an older version has no record: what is there is taken for its own.
        if let written, let present, !written.contains(present) { return false }
        try save([present, new].compactMap(\.self))  // before the file, so that a kill in between is no edit
        try write(card, to: DatasetLayout.card)
        return true
    }

    func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []  // no folder, no names
    }

    private func readWritten() throws(StorageError) -> [String]? {
        guard let data = FileManager.default.contents(atPath: writtenPath) else { return nil }
        do {
            return try JSONDecoder().decode([String].self, from: data)
        } catch {
            throw StorageError(.read, writtenPath, "\(error)")
        }
    }

    private func save(_ written: [String]) throws(StorageError) {
        let json = "[" + written.map { "\"\($0)\"" }.joined(separator: ",") + "]\n"
        try write(Array(json.utf8), to: DatasetLayout.written)
    }
}
