import Glibc

/// Holds a lock file for as long as it lives; the kernel lets go of it when the process ends, however it ends.
package final class FileLock: Sendable {
    /// Who asks whether it is held takes it for a moment: it is tried so often, 20 ms apart.
    private static let tries = 10

    private let descriptor: Int32

    /// Whether a process holds the lock `path`, which needs no right to write there; false where there is none.
    package static func isHeld(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Takes the lock `path`, which is made when it is not there; nil at once when another process has it.
    package init?(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(.open, path) }
        var code = EWOULDBLOCK
        for attempt in 0..<Self.tries where code == EWOULDBLOCK {
            if attempt > 0 { usleep(20_000) }
            code = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno
        }
        self.descriptor = descriptor
        guard code == 0 else {
            // Closed by deinit, which runs for an initializer that fails after all is set.
            if code == EWOULDBLOCK { return nil }
            throw FileError(.open, path)
        }
    }

    deinit { Glibc.close(descriptor) }
}
