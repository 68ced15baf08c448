import Glibc

/// Holds a lock file for as long as it lives; the kernel lets go of it when the process ends, however it ends.
final class StoreLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock `path`, or throws `locked` at once when another process has it.
    init(_ path: String) throws(CoordinationError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CoordinationError(.store, path, unsafe String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw code == EWOULDBLOCK
                ? CoordinationError(.locked, path, "another build is at work on this output")
                : CoordinationError(.store, path, unsafe String(cString: strerror(code)))
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
