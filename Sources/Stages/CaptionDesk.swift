import Locks
import Samples

/// Captions stored rows of whatever unit, in the order in which they come, a batch at a time.
///
/// What waits is known by its place in its spool, and is read when its turn comes: however much waits, it takes no memory.
package final class CaptionDesk: Sendable {
    private struct Job: Sendable {
        let unit: UnitInFlight
        let number: Int
    }

    private let bootstrap: BootstrapStage
    private let views: ViewStage
    private let batch: Int
    private let batches: Int
    private let gate: RowGate
    private let disk: DiskPause
    private let pulse: WorkerPulse
    private let jobs = WaitingLine<Job>()

    /// Hands `batch` images to the models at once, and prepares so many that `batches` are under way.
    package init(
        bootstrap: BootstrapStage, views: ViewStage, batch: Int, batches: Int, gate: RowGate, disk: DiskPause,
        pulse: WorkerPulse
    ) {
        precondition(batch > 0 && batches > 0, "a batch holds at least one image")
        (self.bootstrap, self.views, self.batch, self.batches) = (bootstrap, views, batch, batches)
        (self.gate, self.disk, self.pulse) = (gate, disk, pulse)
    }

    /// Takes the row `number` of `unit`, whose image is stored.
    func add(_ number: Int, of unit: UnitInFlight) {
        unit.progress.go(from: nil, to: .captioning)
        jobs.add(Job(unit: unit, number: number))
    }

    /// Works until it is cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<batches {
                group.addTask {
                    while true { await self.work(try await self.jobs.next(upTo: self.batch)) }
                }
            }
            for try await _ in group {}
        }
    }

    /// Captions `jobs`; a failure is their units', not the desk's.
    private func work(_ jobs: [Job]) async {
        defer { for job in jobs { job.unit.progress.go(from: .captioning, to: nil) } }
        let seen = await look(at: jobs)
        guard !seen.isEmpty else { return }
        do {
            let outcomes = try await bootstrap.run(seen.map(\.seen)) { [pulse] in pulse.modelMoved() }
            for ((job, _), outcome) in zip(seen, outcomes) { await put(outcome, job) }
        } catch {
            for (job, _) in seen { job.unit.fail(error) }
        }
    }

    private func look(at jobs: [Job]) async -> [(job: Job, seen: BootstrapStage.Seen)] {
        await withTaskGroup(of: (Int, BootstrapStage.Seen?).self) { group in
            for (place, job) in jobs.enumerated() { group.addTask { (place, await self.look(at: job)) } }
            var seen: [Int: BootstrapStage.Seen] = [:]
            for await (place, view) in group { seen[place] = view }
            return jobs.enumerated().compactMap { place, job in seen[place].map { (job, $0) } }
        }
    }

    /// What the models see of a row; nil where it is left out, or its unit has ended.
    private func look(at job: Job) async -> BootstrapStage.Seen? {
        guard !job.unit.hasEnded else { return nil }
        do {
            let row = try await job.unit.spool.encodedRow(job.number)
            switch try views.look(at: row, job.unit.watch, hold: gate.take) {
            case .kept(let views): return BootstrapStage.Seen(origin: row.origin, views: views)
            case .rejected(let rejection): await put(.rejected(rejection), job)
            }
        } catch {
            job.unit.fail(error)
        }
        return nil
    }

    /// Puts down what became of a row.
    private func put(_ outcome: Outcome<RowCaptions>, _ job: Job) async {
        guard !job.unit.hasEnded else { return }
        do {
            switch outcome {
            case .kept(let captions):
                try await disk.retrying { try await job.unit.spool.add(captions, number: job.number) }
                job.unit.rowIsDone(nil)
            case .rejected(let rejection):
                let row = LeftOutRow(try await job.unit.spool.encodedRow(job.number), rejection)
                try await disk.retrying { try await job.unit.spool.add(row, number: job.number) }
                job.unit.rowIsDone(rejection.reason)
            }
        } catch {
            job.unit.fail(error)
        }
    }
}

/// Elements that wait for whoever takes them, first come first.
private final class WaitingLine<Element: Sendable>: Sendable {
    private struct Taker {
        let limit: Int
        let continuation: CheckedContinuation<[Element], Never>
    }

    private struct State {
        var elements: [Element] = []
        /// Elements before it were taken.
        var first = 0
        var takers: [Int: Taker] = [:]
        var nextTicket = 0

        mutating func take(upTo limit: Int) -> [Element] {
            let taken = Array(elements[first..<min(first + limit, elements.count)])
            first += taken.count
            if first > 1024, 2 * first > elements.count {
                elements.removeFirst(first)
                first = 0
            }
            return taken
        }
    }

    private let state = Locked(State())

    func add(_ element: Element) {
        state.withLock { state in
            state.elements.append(element)
            guard let (ticket, taker) = state.takers.min(by: { $0.key < $1.key }) else { return }
            state.takers[ticket] = nil
            taker.continuation.resume(returning: state.take(upTo: taker.limit))
        }
    }

    /// Up to `limit` elements, of which there is at least one: as many as are there when there is one.
    func next(upTo limit: Int) async throws -> [Element] {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let taken = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<[Element], Never>) in
                state.withLock { state in
                    if Task.isCancelled {
                        continuation.resume(returning: [])
                    } else if state.first < state.elements.count {
                        continuation.resume(returning: state.take(upTo: limit))
                    } else {
                        state.takers[ticket] = Taker(limit: limit, continuation: continuation)
                    }
                }
            }
        } onCancel: {
            state.withLock { $0.takers.removeValue(forKey: ticket) }?.continuation.resume(returning: [])
        }
        guard !taken.isEmpty else { throw CancellationError() }
        return taken
    }
}
