package import Commands
package import Coordination
import Foundation
import Glibc
package import Logging
package import Storage
import Supervision
import Transport

/// A build whose coordinator waits for workers: where they find it, and what is told of them.
package struct Workplace: Sendable {
    package let coordinator: Coordinator
    /// The coordinator's address, and the file that holds its token.
    package let url: String
    package let tokenFile: String
    package let output: OutputDirectory
    package let progress: BuildProgress
    package let logger: Logger
}

/// Who does the units of a build.
package protocol Workforce: Sendable {
    /// What becomes of the leases of a former coordinator of the build: whether its workers may have outlived it.
    var formerLeases: Coordinator.FormerLeases { get }

    /// Has the units done; returns when none is left.
    func work(at place: Workplace) async throws
}

/// Worker processes on this machine.
package struct LocalWorkers: Workforce {
    private let executable: String
    private let count: Int
    private let flags: [String]

    /// `count` workers, whose executable is in this one's folder, with `flags` besides name and coordinator.
    ///
    /// - Throws: Where there is no such executable.
    package init(count: Int, flags: [String]) throws(CommandError) {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        executable = own.deletingLastPathComponent().appendingPathComponent("pipeline-worker").path
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw CommandError(.internalFault, "\(executable): no such executable; build the whole package")
        }
        (self.count, self.flags) = (count, flags)
    }

    /// Workers of this machine end with the process that started them.
    package var formerLeases: Coordinator.FormerLeases { .released }

    package func work(at place: Workplace) async throws {
        let hostTable = place.output.hostsPath
        unsafe unlink(hostTable)  // another build may have had other workers
        defer { unsafe unlink(hostTable) }
        let fleet = (0..<count).map { index in
            let own = [
                "--coordinator", place.url, "--token-file", place.tokenFile, "--name", "w\(index)", "--host-table",
                "\(index)/\(count):\(hostTable)", "--supervised", CoordinatorClient.newIncarnation(),
            ]
            return (name: "w\(index)", command: ProcessCommand(executable: executable, arguments: own + flags))
        }
        do {
            try await WorkerSupervisor(events: events(place)).run(fleet)
        } catch let error as SupervisionError {
            throw CommandError(error)
        }
    }

    private func events(_ place: Workplace) -> SupervisionEvents {
        let (coordinator, progress) = (place.coordinator, place.progress)
        return SupervisionEvents(
            line: { worker, line in progress.show(line: line, of: worker) },
            ended: { end in
                for crash in end.crashes {
                    _ = try await coordinator.crashed(
                        crash.lease, CrashedRow(row: crash.row, signal: crash.signal))
                }
                // A crash whose row is known is no failure of the unit: the row is left out when it is done again.
                return try await patiently(place.logger) {
                    let askedForWork = try await coordinator.workerEnded(
                        end.worker, message: end.crashes.isEmpty ? end.message : nil)
                    return WorkerStanding(askedForWork: askedForWork, isNeeded: try await coordinator.hasWork())
                }
            },
            hangs: { worker in try await patiently(place.logger) { try await coordinator.hangs(worker) } })
    }
}

extension CommandError {
    fileprivate init(_ error: SupervisionError) {
        switch error.code {
        case .refuses: self.init(.badInput, "\(error.worker): \(error.text)")
        case .diesAtStart: self.init(.internalFault, "\(error)")
        case .outage: self.init(.unavailable, "\(error.text); run the same command to resume")
        }
    }
}
