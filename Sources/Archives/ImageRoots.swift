import Glibc
import Synchronization

/// Folders and zip archives in which images are looked for by their paths; archives are opened once, when first needed.
package final class ImageRoots: Sendable {
    private let archives = Mutex<[String: ZipArchive]>([:])

    package init() {}

    /// The bytes of the image `path` in the first of `roots` that has it; nil where none has.
    package func read(_ path: String, in roots: [String], byteLimit: Int) throws(ArchiveError) -> [UInt8]? {
        for root in roots {
            let bytes =
                root.hasSuffix(".zip")
                ? try archive(root).read(path, byteLimit: byteLimit)
                : try file(root + "/" + path, byteLimit: byteLimit)
            if let bytes { return bytes }
        }
        return nil
    }

    private func archive(_ path: String) throws(ArchiveError) -> ZipArchive {
        try archives.withLock { archives throws(ArchiveError) in
            if let archive = archives[path] { return archive }
            let archive = try ZipArchive(path)
            archives[path] = archive
            return archive
        }
    }

    private func file(_ path: String, byteLimit: Int) throws(ArchiveError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw ArchiveError(.unreadable, path, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ArchiveError(.unreadable, path, "not a plain file")
        }
        guard Int(status.st_size) <= byteLimit else {
            throw ArchiveError(.tooLarge, path, "\(status.st_size) bytes, more than \(byteLimit)")
        }
        return try pread(descriptor, path, at: 0, count: Int(status.st_size))
    }
}
