import Files
package import Foundation
package import Logging
package import Samples

/// Hands out the units of one build and takes in what they became.
///
/// `LeaseTable` decides, the job store remembers, this actor brings both together: first the store, then memory, so
/// that whatever a worker was told survives. What a kill leaves behind, by moment:
///
/// | killed | left behind | afterwards |
/// |---|---|---|
/// | before a lease is recorded | nothing | the unit waits as before |
/// | lease recorded, answer not sent | a leased unit | the next coordinator releases it, no failure counted |
/// | while the worker works | a leased unit, files in scratch | the same; scratch is the worker's to clear |
/// | while files are put in place | some final files, none recorded | the unit is done again: the same bytes, put over |
/// | files in place, nothing recorded | the same | the same; `JobStore.leftovers` names such units |
/// | recorded, answer not sent | a published unit | the worker's repeated message is `accepted` again |
///
/// The same holds for messages that are lost or come twice: a request for work carries a name of its own and finds its
/// grant again, a repeated publish finds its result, a repeated failure or release is `stale` and changes nothing.
package actor Coordinator {
    /// Puts the files of a finished unit from scratch into place, durably; files already in place are no fault.
    package typealias PublishFiles = @Sendable (WorkUnit, Lease, UnitResult) async throws -> Void

    /// How often the store learns of the workers.
    private static let sightingInterval: Duration = .seconds(5)
    private static let messageLimit = 2000

    private let store: any JobStore
    private let current: BuildRecord?
    private let policy: LeasePolicy
    private let makesDrafts: Bool
    private let publishFiles: PublishFiles
    private let stopwatch: Stopwatch
    private let wallClock: @Sendable () -> Date
    private let logger: Logger
    private let executor = QueueExecutor(label: "coordinator")
    private var table: LeaseTable
    private var board = WorkerBoard()
    private var lastSightings: Duration?
    /// How fast the rows of each source get done.
    private var rates: [String: RateWindow] = [:]

    /// The store blocks on the disk: not on the shared pool.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Takes over `store`, whose plan must be whole; units that a former coordinator had leased wait again.
    ///
    /// `clock` measures leases; they do not outlive the coordinator, so it need not either. `wallClock` is for people
    /// only: it says when a worker was last heard of. `current` is what `build` gives instead of the store's record: the
    /// same build, with paths as they are now. With `makesDrafts`, shards are recorded as drafts.
    package init(
        store: any JobStore, current: BuildRecord? = nil, policy: LeasePolicy = LeasePolicy(),
        clock: some Clock<Duration> = ContinuousClock(),
        wallClock: @escaping @Sendable () -> Date = { Date() }, logger: Logger, makesDrafts: Bool = false,
        publishFiles: @escaping PublishFiles
    ) throws(CoordinationError) {
        guard try store.isPlanned() else { throw CoordinationError(.conflict, "plan", "the plan is not complete") }
        try store.releaseAll()
        self.store = store
        self.current = current
        self.policy = policy
        self.makesDrafts = makesDrafts
        self.publishFiles = publishFiles
        self.stopwatch = Stopwatch(clock)
        self.wallClock = wallClock
        self.logger = logger
        self.table = LeaseTable(policy: policy)
    }

    /// What `worker` may work on next.
    ///
    /// `request` names this request: new for each one, the same when it is repeated because the answer was lost.
    package func acquire(worker: String, request: String) throws(CoordinationError) -> LeaseAnswer {
        try reclaimExpired()
        board.touch(worker, seen: wallClock(), now: stopwatch.elapsed)
        if let grant = table.grant(to: worker, for: request) {
            _ = table.renew(grant.lease, now: stopwatch.elapsed)
            return .granted(grant)
        }
        let admission = table.admission(of: worker)
        if admission != .noUnit, let waiting = try store.nextUnit(fresh: admission == .freshUnit) {
            let lease = Lease(unit: waiting.unit.id, worker: worker, generation: waiting.generation + 1)
            try store.recordLease(lease)
            logger.debug("unit leased", metadata: metadata(lease))
            return .granted(
                table.add(lease, on: waiting.unit, for: request, now: stopwatch.elapsed))
        }
        guard try store.openUnitCount() == 0 else { return .wait(policy.waitDuration) }
        board.noteTold(worker)
        return .done
    }

    /// Lets a lease live on; a worker asks for it when the unit has moved, so that a unit that hangs is taken away.
    ///
    /// A lease past its time that nobody else has asked for is renewed: nothing was lost by it.
    package func renew(_ lease: Lease) -> LeaseStanding {
        table.renew(lease, now: stopwatch.elapsed) ? .accepted : .stale
    }

    /// Publishes what a unit became: puts its files in place, then records it.
    ///
    /// Throws `badResult` when the numbers do not fit the unit; `busy` while the same publish is under way; `publish`
    /// when the files could not be put in place, which counts as a failure of the unit; `store`, also where the disk is full,
    /// after which the same message may be sent again.
    package func publish(_ lease: Lease, _ result: UnitResult) async throws(CoordinationError) -> LeaseStanding {
        if let published = try store.published(unit: lease.unit) {
            return published.generation == lease.generation && published.result == result ? .accepted : .stale
        }
        guard let unit = table.unit(of: lease) else { return .stale }
        guard !table.isPublishing(lease) else {
            throw CoordinationError(.busy, unit.shardName, "is being published")
        }
        if let fault = result.fault(for: unit) { throw CoordinationError(.badResult, unit.shardName, fault) }
        // The lease cannot be taken away while it is being published, so it is still current after the await.
        table.setPublishing(lease, true)
        do {
            try await publishFiles(unit, lease, result)
        } catch {
            table.setPublishing(lease, false)
            guard !isDiskFull(error) else {
                throw CoordinationError(.store, unit.shardName, "publishing: \(error)", number: ENOSPC)
            }
            // A coordinator that is told to stop is no fault of the unit.
            if !(error is CancellationError) { try recordFailure(of: lease, "publishing: \(error)") }
            throw CoordinationError(.publish, unit.shardName, "\(error)")
        }
        do throws(CoordinationError) {
            try store.recordPublished(lease, result, asDraft: makesDrafts)
        } catch {
            table.setPublishing(lease, false)
            throw error
        }
        table.remove(lease)
        logger.debug("shard published", metadata: metadata(lease))
        return .accepted
    }

    /// Counts a failure of a unit; it waits for another try, or has failed for good.
    package func fail(_ lease: Lease, message: String) throws(CoordinationError) -> LeaseStanding {
        guard table.isCurrent(lease), !table.isPublishing(lease) else { return .stale }
        try recordFailure(of: lease, message)
        return .accepted
    }

    /// Takes a unit back from a worker that was asked to stop; no failure is counted.
    package func release(_ lease: Lease) throws(CoordinationError) -> LeaseStanding {
        guard table.isCurrent(lease), !table.isPublishing(lease) else { return .stale }
        try store.recordRelease(lease)
        table.remove(lease)
        logger.debug("unit released", metadata: metadata(lease))
        return .accepted
    }

    /// Takes back at once whatever a worker holds that has ended.
    ///
    /// `message` says what became of it, and counts as a failure of each of its units; nil when it was told to stop.
    /// Answers whether it had ever asked for work.
    package func workerEnded(_ worker: String, message: String?) throws(CoordinationError) -> Bool {
        for lease in table.revocable(from: worker) {
            if let message {
                try recordFailure(of: lease, message)
            } else {
                _ = try release(lease)
            }
        }
        let wasHeardOf = board.remove(worker)
        recordSightings()
        return wasHeardOf
    }

    /// Whether `worker` lost a lease by not renewing it, and has not ended since: it hangs.
    package func hangs(_ worker: String) throws(CoordinationError) -> Bool {
        try reclaimExpired()
        return board.hasLostLease(worker)
    }

    /// Takes in what a worker tells of itself, and answers which of the leases that it named are not its any more.
    ///
    /// It says that the process lives, not that its units move: it renews nothing.
    package func heartbeat(_ report: WorkerReport) throws(CoordinationError) -> [Lease] {
        let now = stopwatch.elapsed
        board.note(report, seen: wallClock(), now: now)
        if lastSightings.map({ now - $0 >= Self.sightingInterval }) ?? true { recordSightings() }
        return report.units.map(\.lease).filter { !table.isCurrent($0) }
    }

    /// How far the build is, with what workers have told since the last shard.
    package func status() throws(CoordinationError) -> BuildStatus {
        try reclaimExpired()
        return try currentStatus()
    }

    private func currentStatus() throws(CoordinationError) -> BuildStatus {
        let now = stopwatch.elapsed
        var status = try store.status()
        status.workers = board.sightings(now: now)
        var inFlight: [String: Int] = [:]
        for (lease, unit) in table.held {
            inFlight[unit.source, default: 0] += min(board.rows(of: lease), unit.rowCount)
        }
        for index in status.sources.indices {
            let source = status.sources[index]
            let rows = inFlight[source.name, default: 0]
            rates[source.name, default: RateWindow()].add(source.publishedRows + rows, at: now)
            status.sources[index].rowsInFlight = rows
            status.sources[index].rowsPerSecond = max(0, rates[source.name]?.rate(at: now) ?? 0)
        }
        return status
    }

    /// Whether units are left that are neither published nor failed for good.
    package func hasWork() throws(CoordinationError) -> Bool { try store.openUnitCount() > 0 }

    /// The build that is worked on.
    package func build() throws(CoordinationError) -> BuildRecord {
        if let current { return current }
        guard let build = try store.build() else { throw CoordinationError(.store, "build", "the store has no build") }
        return build
    }

    /// Whether a worker that was heard of within `span` has not been told yet that nothing is left to do.
    package func hasUntoldWorkers(heardWithin span: Duration) -> Bool {
        board.hasUntold(heardSince: stopwatch.elapsed - span)
    }

    private func reclaimExpired() throws(CoordinationError) {
        for lease in table.expired(now: stopwatch.elapsed) {
            try recordFailure(of: lease, "worker \(lease.worker) did not renew its lease within \(policy.duration)")
            board.noteLostLease(of: lease.worker)
        }
    }

    private func recordFailure(of lease: Lease, _ message: String) throws(CoordinationError) {
        let failures = try store.failures(of: lease.unit) + 1
        let isFinal = policy.isFinal(failures: failures)
        try store.recordFailure(lease, message: String(message.prefix(Self.messageLimit)), isFinal: isFinal)
        table.remove(lease)
        var facts = metadata(lease)
        facts["failures"] = "\(failures)"
        facts["message"] = "\(message)"
        if isFinal {
            logger.warning("unit failed for good", metadata: facts)
        } else {
            logger.debug("unit failed", metadata: facts)
        }
    }

    /// Only for people: what cannot be written now, on a full disk perhaps, is written the next time.
    private func recordSightings() {
        do {
            let status = try currentStatus()
            try store.recordSightings(
                status.workers,
                progress: Dictionary(
                    status.sources.map {
                        ($0.name, SourceProgress(rowsInFlight: $0.rowsInFlight, rowsPerSecond: $0.rowsPerSecond))
                    }, uniquingKeysWith: { first, _ in first }))
        } catch {
            logger.debug("progress not recorded", metadata: ["reason": "\(error)"])
        }
        lastSightings = stopwatch.elapsed
    }

    private func metadata(_ lease: Lease) -> Logger.Metadata {
        ["unit": "\(lease.unit)", "generation": "\(lease.generation)", "worker": "\(lease.worker)"]
    }
}
