package import Commands
package import Coordination
package import Storage

/// How far a build is by what its job store has recorded; it may be running, elsewhere.
package struct RecordedStatus: Sendable {
    package private(set) var status: BuildStatus
    package let isRunning: Bool

    /// What the coordinator of a running build tells.
    package init(running status: BuildStatus) { (self.status, isRunning) = (status, true) }

    /// Reads it; nothing is written.
    package init(of directory: OutputDirectory) throws(CommandError) {
        do {
            let (store, isHeld) = try recordedStore(directory)
            (status, isRunning) = (try store.status(), isHeld)
        } catch {
            throw CommandError(error.isOutage ? .unavailable : .badInput, "\(error)")
        }
        guard !isRunning else { return }
        // What its last words say of the moment holds no more.
        for index in status.sources.indices {
            (status.sources[index].rowsInFlight, status.sources[index].rowsPerSecond) = (0, 0)
        }
        status.workers = []
    }

    /// In one word: planning, running, deduplicating, interrupted, finished or failed.
    package var state: String {
        switch status.phase {
        case .planning, .running, .deduplicating: isRunning ? status.phase.rawValue : "interrupted"
        case .finished, .failed: status.phase.rawValue
        }
    }
}
