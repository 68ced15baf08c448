import Locks
package import Samples

/// A unit that is worked on: its spool, how far it is, and how it ends.
package final class UnitInFlight: Sendable {
    package let spool: UnitSpool
    package let progress: UnitProgress
    package let watch: any CrashWatch

    private struct Ending {
        var openRows: Int
        var result: Result<Void, any Error>?
        var waiter: CheckedContinuation<Void, any Error>?
    }

    private let ending: Locked<Ending>

    package init(_ spool: UnitSpool, _ progress: UnitProgress, watch: any CrashWatch = NoCrashWatch()) {
        self.spool = spool
        self.progress = progress
        self.watch = watch
        ending = Locked(Ending(openRows: spool.unit.rowCount))
    }

    package var unit: WorkUnit { spool.unit }

    /// Whether all rows are done, or the unit failed: what is left of it need not be done.
    var hasEnded: Bool { ending.withLock { $0.result != nil } }

    /// A row is done: kept, or left out for `reason`.
    func rowIsDone(_ reason: Rejection.Reason?) {
        progress.countDone(reason)
        end { ending in
            ending.openRows -= 1
            return ending.openRows == 0 ? .success(()) : nil
        }
    }

    /// The unit cannot be finished.
    func fail(_ error: any Error) { end { _ in .failure(error) } }

    /// Waits until every row is done, or one of them failed.
    func ended() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = ending.withLock { ending in
                    if ending.result == nil { ending.waiter = continuation }
                    return ending.result
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            fail(CancellationError())
        }
    }

    private func end(_ body: (inout Ending) -> Result<Void, any Error>?) {
        let (waiter, result) = ending.withLock {
            ending -> (CheckedContinuation<Void, any Error>?, Result<Void, any Error>?) in
            guard ending.result == nil, let result = body(&ending) else { return (nil, nil) }
            ending.result = result
            defer { ending.waiter = nil }
            return (ending.waiter, result)
        }
        if let waiter, let result { waiter.resume(with: result) }
    }
}
