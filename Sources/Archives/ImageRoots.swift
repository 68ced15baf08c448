import Files
import Glibc
import Locks

/// Folders and zip archives in which images are looked for by their paths; archives are opened once, when first needed.
///
/// Nothing outside a folder is read, and nothing but plain files.
package final class ImageRoots: Sendable {
    private let archives = Locked<[String: ZipArchive]>([:])
    private let followingLinks: Set<String>

    /// Links in the folders `followingLinks` may lead out of them.
    package init(followingLinks: Set<String> = []) { self.followingLinks = followingLinks }

    /// The bytes of the image `path` in the first of `roots` that has it; nil where none has.
    package func read(_ path: String, in roots: [String], byteLimit: Int) throws(ArchiveError) -> [UInt8]? {
        for root in roots {
            let bytes =
                root.hasSuffix(".zip")
                ? try archive(root).read(path, byteLimit: byteLimit)
                : try file(path, in: root, byteLimit: byteLimit)
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

    private func file(_ path: String, in root: String, byteLimit: Int) throws(ArchiveError) -> [UInt8]? {
        let full = root + "/" + path
        let descriptor =
            followingLinks.contains(root)
            ? open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : openBeneath(root, path)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT, ENOTDIR: return nil
            case EXDEV, ELOOP:
                throw ArchiveError(
                    .refused, full, "leads out of image_root by a link or ..; follow_links: true allows links")
            case EIO, ENOMEM, EMFILE, ENFILE, ESTALE: throw ArchiveError(systemFault: errno, full)
            default: throw ArchiveError(.refused, full, String(cString: strerror(errno)))
            }
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ArchiveError(.refused, full, "not a plain file")
        }
        guard Int(status.st_size) <= byteLimit else {
            throw ArchiveError(.tooLarge, full, "\(status.st_size) bytes, more than \(byteLimit)")
        }
        return try pread(descriptor, full, at: 0, count: Int(status.st_size))
    }
}
