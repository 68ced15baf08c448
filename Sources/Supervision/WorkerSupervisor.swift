import Foundation
import Locks

/// Why the workers of this machine cannot be kept running.
package struct SupervisionError: Error, Hashable, CustomStringConvertible {
    /// The closed list of faults; also the metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// A worker ended again and again before it asked for work.
        case diesAtStart = "dies_at_start"
        /// A worker said that it was given something unusable; starting it again would not help. The text is what it said.
        case refuses
        /// A worker waited too long for the network; the text is the reason alone.
        case outage
    }

    /// The class of the fault.
    package let code: Code
    /// The worker's name.
    package let worker: String
    /// How it ended, and the last lines that it wrote.
    package let text: String

    /// `code: worker: text`.
    package var description: String { "\(code.rawValue): \(worker): \(text)" }
}

/// What the supervisor tells and asks of the rest of the program.
package struct SupervisionEvents: Sendable {
    /// Takes one line that a worker wrote; called from the threads of the workers.
    package var line: @Sendable (_ worker: String, _ line: String) -> Void
    /// Takes note of the end of a worker, so that its units go to others at once.
    ///
    /// `message` is nil when it ended as it should. Answers whether it ever asked for work.
    package var ended: @Sendable (_ worker: String, _ message: String?) async throws -> Bool
    /// Whether there is work for which a worker is needed.
    package var hasWork: @Sendable () async throws -> Bool
    /// Whether a worker is alive but makes no progress.
    package var hangs: @Sendable (_ worker: String) async throws -> Bool

    package init(
        line: @escaping @Sendable (_ worker: String, _ line: String) -> Void,
        ended: @escaping @Sendable (_ worker: String, _ message: String?) async throws -> Bool,
        hasWork: @escaping @Sendable () async throws -> Bool,
        hangs: @escaping @Sendable (_ worker: String) async throws -> Bool
    ) {
        self.line = line
        self.ended = ended
        self.hasWork = hasWork
        self.hangs = hangs
    }
}

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
    /// How a worker ends when the network, or the host that matters, is down: so it is for every worker.
    private static let outageCode = 75

    private let patience: Patience
    private let clock: any Clock<Duration>
    private let events: SupervisionEvents

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

    private func keepRunning(_ name: String, _ command: ProcessCommand) async throws {
        var pause = patience.firstPause
        var deathsAtStart = 0
        while true {
            let lastLines = LastLines()
            let end = try await runOnce(name, command, lastLines)
            let wasAskedToStop = Task.isCancelled
            // An outage is no fault of the units that it interrupted.
            let isClean = wasAskedToStop || end == .exited(0) || end == .exited(Self.outageCode)
            let text = "\(end)\(lastLines.text)"
            let askedForWork = try await events.ended(name, isClean ? nil : "worker \(name) \(text)")
            if wasAskedToStop { return }
            if case .exited(let code) = end, Self.hopelessCodes.contains(code) {
                throw SupervisionError(code: .refuses, worker: name, text: lastLines.reason ?? text)
            }
            if end == .exited(Self.outageCode) {
                throw SupervisionError(code: .outage, worker: name, text: lastLines.reason ?? text)
            }
            guard try await events.hasWork() else { return }
            if askedForWork { (pause, deathsAtStart) = (patience.firstPause, 0) } else { deathsAtStart += 1 }
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
        return try await withThrowingTaskGroup(of: ProcessEnd?.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await process.run(command) { line in
                        lastLines.add(line)
                        events.line(name, line)
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

/// The last lines that a worker wrote, and the last error among all.
private final class LastLines: Sendable {
    private static let shownLength = 500

    private let state = Locked((lines: [String](), reason: String?.none))

    func add(_ line: String) {
        state.withLock { state in
            state.lines.append(line)
            if state.lines.count > 5 { state.lines.removeFirst() }
            state.reason = Self.error(in: line) ?? state.reason
        }
    }

    /// What the last error line says; nil when there is none.
    var reason: String? { state.withLock { $0.reason }.map { String($0.prefix(4 * Self.shownLength)) } }

    /// The lines behind a colon; empty when there are none.
    var text: String {
        let lines = state.withLock { $0.lines }.map { $0.prefix(Self.shownLength) }
        return lines.isEmpty ? "" : ": " + lines.joined(separator: " | ")
    }

    /// The message of an error line, as text or as JSON.
    private static func error(in line: String) -> String? {
        if line.hasPrefix("error: ") { return String(line.dropFirst("error: ".count)) }
        struct Entry: Decodable {
            let level: String
            let message: String
        }
        guard line.hasPrefix("{"), let entry = try? JSONDecoder().decode(Entry.self, from: Data(line.utf8)),
            entry.level == "error"
        else { return nil }  // another line, or no JSON
        return entry.message
    }
}
