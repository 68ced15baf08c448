package import Files
import Glibc
package import Samples

/// A store in a directory: objects are files, their names are paths below it.
///
/// Every write goes to a partial file, is synced, and is given its name in one step. Copies are second names of the same
/// file, where the file system has such: that file was synced when it was written, so only the new name has to be.
package struct DirectoryStore: ObjectStore, Hashable {
    package let root: String
    /// The folder below the root where files are partial; what is in it is no object.
    let partialFolder: String
    /// Whether copies are second names; without, they are copied byte by byte.
    private let usesLinks: Bool

    /// The store in the directory `root`, with `partialFolder` on the same file system; both are made by the first write.
    package init(_ root: String, partialFolder: String = ".partial", usesLinks: Bool = true) {
        (self.root, self.partialFolder, self.usesLinks) = (root, partialFolder, usesLinks)
    }

    package func place(of key: ObjectKey) -> String { root + "/" + key.text }

    package func stat(_ key: ObjectKey) throws(StorageError) -> ObjectStat? {
        let path = place(of: key)
        var status = Glibc.stat()
        guard fstatat(AT_FDCWD, path, &status, 0) == 0 else {
            let error = StorageError(.open, path)
            guard [ENOENT, ENOTDIR].contains(error.number) else { throw error }
            guard lstat(path, &status) != 0 else { throw StorageError(.open, path, "a link to nothing") }
            return nil
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return ObjectStat(byteCount: Int(status.st_size))
        case S_IFDIR: return nil
        default: throw StorageError(.open, path, "not a plain file")
        }
    }

    package func open(_ key: ObjectKey) throws(StorageError) -> any ByteRanges {
        let path = place(of: key)
        guard try stat(key) != nil else { throw StorageError(.missing, path, "no such file") }
        do { return try OpenedFile(path) } catch { throw StorageError(error) }
    }

    package func put(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError) {
        let (partial, final) = try places(for: key)
        try checked { () throws(FileError) in try writeFile(bytes, to: final, through: partial) }
    }

    /// Makes what `body` writes the object `key`; also throws what `body` throws, and then leaves it as it was.
    package func put(to key: ObjectKey, _ body: (OpenFile) throws -> Void) throws {
        let (partial, final) = try places(for: key)
        do {
            try writeFile(final, through: partial, body)
        } catch let error as FileError {
            throw StorageError(error)
        }
    }

    package func put(takingFile path: String, to key: ObjectKey) throws(StorageError) {
        let (partial, final) = try places(for: key)
        do {
            try publishFile(path, as: final)
        } catch  where error.number == EXDEV {
            try copyBytes(of: path, to: final, through: partial)
            unlink(path)
        } catch {
            throw StorageError(error)
        }
    }

    package func putIfAbsent(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError) -> Bool {
        let (partial, final) = try places(for: key)
        defer { unlink(partial) }
        do {
            try writeFile(bytes, to: partial, through: partial + ".new")
            return try publishNewFile(partial, as: final)
        } catch {
            throw StorageError(error)
        }
    }

    package func copy(_ source: ObjectKey, to target: ObjectKey) throws(StorageError) {
        try copyAll([ObjectCopy(source, to: target)])
    }

    package func copyAll(_ copies: [ObjectCopy]) throws(StorageError) {
        var unsynced: Set<String> = []
        for copy in copies {
            let path = place(of: copy.source)
            guard try stat(copy.source) != nil else { throw StorageError(.missing, path, "no such file") }
            let (partial, final) = try places(for: copy.target)
            var isLinked = false
            if usesLinks {
                try checked { () throws(FileError) in isLinked = try linkFile(path, as: final, through: partial) }
            }
            guard !isLinked else {
                unsynced.insert(folder(of: final))
                continue
            }
            try copyBytes(of: path, to: final, through: partial)
        }
        for folder in unsynced.sorted() { try checked { () throws(FileError) in try syncFile(folder) } }
    }

    package func delete(_ key: ObjectKey) throws(StorageError) {
        let path = place(of: key)
        if unlink(path) != 0, ![ENOENT, ENOTDIR].contains(errno) { throw StorageError(.remove, path) }
    }

    private func copyBytes(of path: String, to final: String, through partial: String) throws(StorageError) {
        do {
            let file = try OpenedFile(path)
            try writeFile(final, through: partial) { target in try file.forEachBlock { try target.write($0) } }
        } catch let error as FileError {
            throw StorageError(error)
        } catch let error as UnreadableFile {
            throw StorageError(error)
        } catch let error as UnreadableBytes {
            throw StorageError(error)
        } catch {
            preconditionFailure("nothing else is thrown: \(error)")
        }
    }

    /// A partial name that no other writer has, and the final one; their folders are there.
    private func places(for key: ObjectKey) throws(StorageError) -> (partial: String, final: String) {
        let final = place(of: key)
        let (name, number) = (final.split(separator: "/").last?.prefix(40) ?? "", UInt64.random(in: 0 ... .max))
        let partial = "\(root)/\(partialFolder)/\(name).\(String(number, radix: 16)).partial"
        for path in [partial, final] { try makeFolderDurably(folder(of: path)) }
        return (partial, final)
    }

    /// Makes the folder `path`, and those that it is in; their names survive a power cut.
    private func makeFolderDurably(_ path: String) throws(StorageError) {
        guard access(path, F_OK) != 0 else { return }
        let parent = folder(of: path)
        if parent != path { try makeFolderDurably(parent) }
        try checked { () throws(FileError) in
            try makeFolder(path)
            try syncFile(parent)
        }
    }

    private func checked(_ body: () throws(FileError) -> Void) throws(StorageError) {
        do { try body() } catch { throw StorageError(error) }
    }
}
