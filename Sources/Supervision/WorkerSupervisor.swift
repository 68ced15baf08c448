import Foundation
import Locks

/// Keeps worker processes running on this machine until there is no work left.
///
/// A worker that dies is started again, after a pause that doubles. A worker that hangs is killed. When the supervisor
/// is cancelled it asks all workers to stop, and kills those that take too long. No worker outlives this process.
package struct WorkerSupervisor: Sendable {
    /// How patient the supervisor is.
    package struct Patience: Sendable {
        /// The pause before a worker is started again for the first time.
        package var firstPause: Duration = .seconds(1)
        /// The longest pause.
        package var longestPause: Duration = .seconds(60)
        /// So many ends in a row before asking for work are a fault.
        package var startLimit = 5
        /// How long a worker may take to stop when it is asked to.
        package var grace: Duration = .seconds(30)
        /// How often it is asked whether a worker hangs.
        package var checkInterval: Duration = .seconds(5)

        package init() {}
    }

    /// Wrong usage and bad input, as `sysexits.h` has them: the same worker would say the same again.
    private static let hopelessCodes = [64, 65]
    /// How a worker ends when the coordinator, the network, or the host that matters is down: so it is for every worker.
    private static let outageCodes = [69, 75]

    private let patience: Patience
    private let clock: any Clock<Duration>
    private let events: SupervisionEvents
    private let children = Children()

    package init(
        patience: Patience = Patience(), clock: any Clock<Duration> = ContinuousClock(), events: SupervisionEvents
    ) {
        self.patience = patience
        self.clock = clock
        self.events = events
    }

    /// Keeps one process running for each of `workers` (name and command); returns when no work is left.
    ///
    /// Throws a `SupervisionError`, what `events` throw, and `CancellationError`; in every case all workers have ended.
    package func run(_ workers: [(name: String, command: ProcessCommand)]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in workers {
                group.addTask { try await keepRunning(worker.name, worker.command) }
            }
            for try await _ in group {}  // the first failure stops the others
        }
        try Task.checkCancellation()
    }

    /// Asks all workers to leave, by SIGUSR1; none is started again.
    package func leave() { children.leave() }

    private func keepRunning(_ name: String, _ command: ProcessCommand) async throws {
        var pause = patience.firstPause
        var deathsAtStart = 0
        while true {
            let lastLines = LastLines()
            let end = try await runOnce(name, command, lastLines)
            let wasAskedToStop = Task.isCancelled || children.areLeaving
            let code: Int? = if case .exited(let code) = end { code } else { nil }
            // An outage is no fault of the units that it interrupted.
            let isOutage = code.map(Self.outageCodes.contains) ?? false
            let isClean = wasAskedToStop || code == 0 || isOutage
            let text = "\(end)\(lastLines.text)"
            let standing = try await events.ended(
                WorkerEnd(
                    worker: name, end: end, message: isClean ? nil : "worker \(name) \(text)",
                    crashes: lastLines.crashes))
            if wasAskedToStop { return }
            if let code, isOutage || Self.hopelessCodes.contains(code) {
                throw SupervisionError(
                    code: isOutage ? .outage : .refuses, worker: name, text: lastLines.reason ?? text)
            }
            guard standing.isNeeded else { return }
            if standing.askedForWork { (pause, deathsAtStart) = (patience.firstPause, 0) } else { deathsAtStart += 1 }
            guard deathsAtStart < patience.startLimit else {
                throw SupervisionError(code: .diesAtStart, worker: name, text: text)
            }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, patience.longestPause)
        }
    }

    private func runOnce(
        _ name: String, _ command: ProcessCommand, _ lastLines: LastLines
    ) async throws -> ProcessEnd {
        let process = ChildProcess()
        children.add(process)
        defer { children.remove(process) }
        return try await withThrowingTaskGroup(of: ProcessEnd?.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await process.run(command) { line in
                        if lastLines.add(line) { events.line(name, line) }
                    }
                } onCancel: {
                    process.stop(grace: patience.grace)
                }
            }
            group.addTask {
                try await killWhenHanging(name, process)
                return nil
            }
            // The watcher ends only with its process, or by a failure, at which the group stops the process.
            while let end = try await group.next() {
                guard let end else { continue }
                group.cancelAll()
                return end
            }
            return .notStarted("no process")
        }
    }

    private func killWhenHanging(_ name: String, _ process: ChildProcess) async throws {
        while !Task.isCancelled {
            try? await clock.sleep(for: patience.checkInterval)  // throws only when cancelled
            if !Task.isCancelled, try await events.hangs(name) {
                events.line(name, "worker \(name) hangs and is killed")
                process.kill()
                return
            }
        }
    }
}

/// The processes that run, and whether they were asked to leave.
private final class Children: Sendable {
    private let state = Locked((running: [ObjectIdentifier: ChildProcess](), areLeaving: false))

    var areLeaving: Bool { state.withLock { $0.areLeaving } }

    func add(_ process: ChildProcess) {
        let isLate = state.withLock { state in
            state.running[ObjectIdentifier(process)] = process
            return state.areLeaving
        }
        if isLate { process.leave() }
    }

    func remove(_ process: ChildProcess) { state.withLock { $0.running[ObjectIdentifier(process)] = nil } }

    func leave() {
        let running = state.withLock { state in
            state.areLeaving = true
            return Array(state.running.values)
        }
        for process in running { process.leave() }
    }
}
