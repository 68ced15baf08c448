import Glibc

/// What changes when a plain file is written to, or when another takes its name.
package struct FileMark: Codable, Hashable, Sendable {
    package let device: UInt64
    package let inode: UInt64
    package let byteCount: Int
    /// In nanoseconds since 1970: of the last write, and of the last change of any kind.
    package let written: Int
    package let changed: Int

    /// A file that changed so lately, in nanoseconds, may change again without another mark.
    private static let settling = 2_000_000_000

    /// The mark of the plain file `path` as it is now.
    package init(_ path: String) throws(UnreadableFile) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw UnreadableFile(path: path, number: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw UnreadableFile(path: path, number: 0) }
        func nanoseconds(_ time: timespec) -> Int { time.tv_sec * 1_000_000_000 + time.tv_nsec }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        byteCount = Int(status.st_size)
        (written, changed) = (nanoseconds(status.st_mtim), nanoseconds(status.st_ctim))
    }

    /// Whether the file had not changed for a while at `now`, in nanoseconds since 1970: any later change shows in its mark.
    package func isSettled(at now: Int) -> Bool { now - max(written, changed) > Self.settling }
}
