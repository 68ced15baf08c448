import Commands
import Coordination
import Foundation
import Locks
package import Supervision
package import Transport

/// Runs a worker in a process of its own, and tells the coordinator what becomes of that.
///
/// A crash in a codec takes a process with it. Here it costs one lease: the coordinator hears of the row, and the process is started
/// again. It ends with this one, however this one ends.
package struct WorkerHost: Sendable {
    private let name: String
    private let command: ProcessCommand
    private let supervisor: WorkerSupervisor
    private let last: LastEnd

    /// Runs `command` as the worker `name`; `client` speaks for it.
    package init(name: String, command: ProcessCommand, client: CoordinatorClient) {
        let last = LastEnd()
        (self.name, self.command, self.last) = (name, command, last)
        supervisor = WorkerSupervisor(
            events: SupervisionEvents(
                line: { _, line in StandardError.write(line + "\n") },
                ended: { end in
                    last.end.withLock { $0 = end.end }
                    return try await Self.tell(end, client)
                },
                hangs: { _ in false }))
    }

    /// Asks the worker to leave.
    package func leave() { supervisor.leave() }

    /// Keeps the worker running until it ends by itself; gives its exit code.
    package func run() async throws -> Int {
        do {
            try await supervisor.run([(name, command)])
        } catch let error as SupervisionError where error.code == .diesAtStart {
            throw CommandError(.internalFault, "\(error)")
        } catch is SupervisionError {
            // It has said itself what was the matter.
        }
        switch last.end.withLock({ $0 }) {
        case .exited(let code): return code
        // Asked to leave before it could hear of it.
        case .killed(Int(SIGUSR1)): return Int(CommandError.Code.outage.rawValue)
        default: return Int(CommandError.Code.internalFault.rawValue)
        }
    }

    /// Tells the coordinator of the end of a process, patiently where it is to be started again.
    private static func tell(_ end: WorkerEnd, _ client: CoordinatorClient) async throws -> WorkerStanding {
        @Sendable func tell() async throws -> WorkerStanding {
            for crash in end.crashes {
                _ = try await client.crashed(crash.lease, CrashedRow(row: crash.row, signal: crash.signal))
            }
            let (wasHeardOf, hasWork) = try await client.ended(message: end.crashes.isEmpty ? end.message : nil)
            return WorkerStanding(askedForWork: wasHeardOf, isNeeded: hasWork)
        }
        if end.message != nil { return try await tell() }
        // It was told that all is done, or has given back what it held; the coordinator may be gone.
        if end.end != .exited(0) { await uncancelled { _ = try await tell() } }
        return WorkerStanding(askedForWork: true, isNeeded: false)
    }
}

/// How the worker's process ended last.
private final class LastEnd: Sendable {
    let end = Locked<ProcessEnd?>(nil)
}
