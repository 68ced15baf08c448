import Files
import Foundation
import Locks
import Tables

/// A disk stayed full for as long as was to be waited.
package struct DiskFull: Error, CustomStringConvertible {
    package let reason: String
    package let waited: Duration
    package var description: String { "\(reason); waited \(waited.components.seconds) s for room" }
}

/// What a worker does while its disk is full: it waits, and writes again what could not be written.
package final class DiskPause: Sendable {
    /// Is told when a pause begins, with what the system said, and when it ends (nil); it must not wait for room itself.
    package typealias Report = @Sendable (_ reason: String?) -> Void

    private let outage: Duration
    private let interval: Duration
    private let clock: any Clock<Duration>
    private let report: Report
    private let waiting = Locked<Set<Int>>([])
    private let tickets = Locked(0)

    /// Waits at most `outage`, looking every `interval` whether there is room.
    package init(
        outage: Duration = .seconds(3600), interval: Duration = .seconds(5),
        clock: any Clock<Duration> = ContinuousClock(), report: @escaping Report = { _ in }
    ) {
        (self.outage, self.interval, self.clock, self.report) = (outage, interval, clock, report)
    }

    /// Whether somebody waits for room.
    package var isPaused: Bool { waiting.withLock { !$0.isEmpty } }

    /// What `body` gives, run again and again while the disk is full; it must be able to begin anew.
    package func retrying<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        let ticket = tickets.withLock { tickets in
            tickets += 1
            return tickets
        }
        defer { leave(ticket) }
        var waited: Duration = .zero
        while true {
            do {
                return try await body()
            } catch  where isDiskFull(error) {
                enter(ticket, "\(error)")
                guard waited < outage else { throw DiskFull(reason: "\(error)", waited: waited) }
                try await clock.sleep(for: interval)
                waited += interval
            }
        }
    }

    // Reports are made under the lock: one that was overtaken by the next would leave the worker's gate as it should not be.

    private func enter(_ ticket: Int, _ reason: String) {
        waiting.withLock { waiting in
            if waiting.isEmpty { report(reason) }
            waiting.insert(ticket)
        }
    }

    private func leave(_ ticket: Int) {
        waiting.withLock { waiting in
            if waiting.remove(ticket) != nil, waiting.isEmpty { report(nil) }
        }
    }
}

extension TableError: SystemFault {
    /// Arrow gives the number in its text alone.
    package var number: Int32 {
        detail.contains("errno \(ENOSPC)]") ? ENOSPC : detail.contains("errno \(EDQUOT)]") ? EDQUOT : 0
    }
}
