import Files

/// Keeps other builds out of a job store while it lives.
final class StoreLock: Sendable {
    private let lock: FileLock

    /// Whether a process holds the lock `path`, which needs no right to write there; false where there is none.
    static func isHeld(_ path: String) -> Bool { FileLock.isHeld(path) }

    /// Takes the lock `path`, or throws `locked` at once when another process has it.
    init(_ path: String) throws(CoordinationError) {
        do {
            guard let lock = try FileLock(path) else {
                throw CoordinationError(
                    .locked, path,
                    """
                    another build is running on this output: wait for its end, or stop it \
                    (only with --store postgresql://... can a second coordinator stand by)
                    """)
            }
            self.lock = lock
        } catch let error as CoordinationError {
            throw error
        } catch {
            throw CoordinationError(.store, path, "\(error)")
        }
    }
}
