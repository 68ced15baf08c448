import CFiles
import Glibc

/// Writes `bytes` to the file `path`: a reader sees the old content or the new one, whole, and a power cut loses neither.
package func writeFile(_ bytes: some Sequence<UInt8>, to path: String, through partial: String? = nil) throws(FileError)
{
    do {
        try writeFile(path, through: partial) { try $0.write(Array(bytes)) }
    } catch let error as FileError {
        throw error
    } catch {
        preconditionFailure("nothing else is thrown: \(error)")
    }
}

/// Writes what `body` writes to the file `path`, which a reader sees whole or as it was.
///
/// Until it is whole its name is `partial`, on the same file system; `path` with `.partial` behind it where none is given.
/// What is no plain file, such as a terminal or a pipe, is written to as it is.
///
/// - Throws: A `FileError`, and what `body` throws; then `path` is as it was.
package func writeFile(
    _ path: String, through partial: String? = nil, _ body: (OpenFile) throws -> Void
) throws {
    guard isReplaceable(path) else {
        let file = try OpenFile(path, O_WRONLY | O_NOCTTY, .open)
        defer { file.close() }
        return try body(file)
    }
    let partial = partial ?? path + ".partial"
    let file = try OpenFile(partial, O_WRONLY | O_CREAT | O_TRUNC, .create)
    do {
        do {
            defer { file.close() }
            try body(file)
            try file.sync()
        }
        try publishFile(partial, as: path)
    } catch {
        unlink(partial)
        throw error
    }
}

/// Makes the finished file or folder `partial` visible as `final`, in one step and durably.
///
/// Both are on the same file system. What was there under the name `final` is replaced, but for a folder that holds things.
///
/// - Throws: Where it cannot be synced or renamed; `final` is then as it was, or whole.
package func publishFile(_ partial: String, as final: String) throws(FileError) {
    try syncFile(partial)
    guard rename(partial, final) == 0 else { throw FileError(.rename, final) }
    try syncFile(folder(of: final))  // the name itself must survive a power cut
}

/// As `publishFile`, but replaces nothing: false, and `partial` stays, where the name `final` is taken.
package func publishNewFile(_ partial: String, as final: String) throws(FileError) -> Bool {
    try syncFile(partial)
    if link(partial, final) == 0 {
        unlink(partial)
    } else if errno == EEXIST {
        return false
    } else if lacksLinks(errno) {
        // Some network file systems know one of the two calls, some the other.
        guard cfiles_rename_new(partial, final) == 0 else {
            if errno == EEXIST { return false }
            throw FileError(.rename, final)
        }
    } else {
        throw FileError(.rename, final)
    }
    try syncFile(folder(of: final))
    return true
}

/// Makes `final` a second name of the file `path`, in one step; what had that name is replaced.
///
/// The name is durable once its folder is synced, which is left to the caller, who may give several. What the file holds is
/// not synced again. `through` is a name on the same file system that nothing has. False, and nothing is done, where the file
/// system gives this file no second name.
package func linkFile(_ path: String, as final: String, through partial: String) throws(FileError) -> Bool {
    guard linkat(AT_FDCWD, path, AT_FDCWD, partial, AT_SYMLINK_FOLLOW) == 0 else {
        if lacksLinks(errno) || errno == EXDEV { return false }
        throw FileError(errno == ENOENT ? .open : .create, path)
    }
    defer { unlink(partial) }  // a rename to another name of the same file leaves both
    guard rename(partial, final) == 0 else { throw FileError(.rename, final) }
    return true
}

/// Whether a call that gives a file a second name failed for what the file system can do.
private func lacksLinks(_ number: Int32) -> Bool { [EPERM, EOPNOTSUPP, ENOSYS, EINVAL, EMLINK].contains(number) }

/// Waits until the file `path`, or the names in the folder `path`, are on the disk.
package func syncFile(_ path: String) throws(FileError) {
    let file = try OpenFile(path, O_RDONLY, .open)
    defer { file.close() }
    try file.sync()
}

/// A file that is being written.
package struct OpenFile {
    private let path: String
    private let descriptor: Int32

    init(_ path: String, _ flags: Int32, _ step: FileError.Step) throws(FileError) {
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        self.path = path
        guard descriptor >= 0 else { throw FileError(step, path) }
    }

    /// Adds `bytes`.
    package func write(_ bytes: [UInt8]) throws(FileError) { try write(bytes[...]) }

    /// Adds `bytes`.
    package func write(_ bytes: ArraySlice<UInt8>) throws(FileError) {
        guard writeAll(bytes, to: descriptor) else { throw FileError(.write, path) }
    }

    func sync() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError(.sync, path) }
    }

    func close() { _ = Glibc.close(descriptor) }  // what counts was synced before
}

/// Writes all of `bytes` to an open file; false where that fails, and `errno` says why.
package func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
            let wrote = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else { return false }
            done += wrote
        }
        return true
    }
}

/// Makes the folder `path`, and those that it lies in, where they are not there.
package func makeFolder(_ path: String) throws(FileError) {
    guard mkdir(path, 0o777) != 0 else { return }
    if errno == ENOENT, folder(of: path) != path {
        try makeFolder(folder(of: path))
        guard mkdir(path, 0o777) != 0 else { return }
    }
    let error = FileError(.create, path)
    var status = stat()
    guard error.number == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw error }
}

/// The folder that the name `path` stands in.
package func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Whether another file can take the place of `path`: there is none, or a plain one or a folder.
private func isReplaceable(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return true }
    return [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
}
