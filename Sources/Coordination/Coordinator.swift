import Files
package import Foundation
package import Logging
package import Samples

/// Hands out the units of one build and takes in what they became.
///
/// The store decides about leases and remembers them; this actor lets what waits share a commit, moves files, and keeps in memory
/// only what is for people. What a kill leaves behind, by moment:
///
/// | killed | left behind | afterwards |
/// |---|---|---|
/// | before a lease is recorded | nothing | the unit waits as before |
/// | lease recorded, answer not sent | a leased unit | the worker's repeated request finds it, or it expires |
/// | while the worker works | a leased unit, files in scratch | the worker goes on with the next coordinator |
/// | while files are put in place | a unit that is being published | the next coordinator puts the rest in place and records it |
/// | recorded, answer not sent | a published unit | the worker's repeated message is `accepted` again |
///
/// The same holds for messages that are lost or come twice: a request for work carries a name of its own and finds its
/// grant again, a repeated publish finds its result, a repeated failure or release is `stale` and changes nothing.
package actor Coordinator {
    /// Puts the files of a finished unit from scratch into place, durably; files already in place are no fault.
    ///
    /// It is also told whether files with that name are known to be the build's own.
    package typealias PublishFiles = @Sendable (Publication, _ isOwned: Bool) async throws -> Void
    /// Whether nothing is under `shards/` with the name of a unit.
    package typealias IsFree = @Sendable (UnitID) async -> Bool
    /// Removes from scratch what was made of a unit under a lease.
    package typealias DiscardFiles = @Sendable (WorkUnit, Lease) async throws -> Void

    /// What becomes of the leases that a coordinator finds when it starts.
    package enum FormerLeases: Sendable {
        /// Their workers may live: the leases go on.
        case kept
        /// Their workers ended with the former coordinator: the units wait again, no failure counted.
        case released
    }

    /// How often the store learns of the workers.
    private static let sightingInterval: Duration = .seconds(5)
    /// How often the store is asked for leases past their time.
    private static let expiryInterval: Duration = .milliseconds(500)

    private let store: any JobStore
    let commits: CommitQueue
    private let current: BuildRecord?
    private let policy: LeasePolicy
    let makesDrafts: Bool
    let isFree: IsFree
    let publishFiles: PublishFiles
    let discardFiles: DiscardFiles
    private let stopwatch: Stopwatch
    private let wallClock: @Sendable () -> Date
    let logger: Logger
    private let executor = QueueExecutor(label: "coordinator")
    /// The leases whose files this coordinator is putting in place now.
    var publishing: Set<Lease> = []
    var board = WorkerBoard()
    private var crashes: CrashRecord
    private var lastSightings: Duration?
    private var lastExpiry: Duration?
    /// How fast the rows of each source get done.
    private var rates: [String: RateWindow] = [:]

    /// Reading the store blocks: not on the shared pool.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// A coordinator of the build in `store`, whose plan must be whole; call `takeOver` before anything else.
    ///
    /// `clock` measures how fast workers are; leases live by the store's. `wallClock` is for people only: it says when a worker was
    /// last heard of. `current` is what `build` gives instead of the store's record: the same build, with paths as they are now. With
    /// `makesDrafts`, shards are recorded as drafts.
    package init(
        store: any JobStore, current: BuildRecord? = nil, policy: LeasePolicy = LeasePolicy(),
        clock: some Clock<Duration> = ContinuousClock(),
        wallClock: @escaping @Sendable () -> Date = { Date() }, logger: Logger, makesDrafts: Bool = false,
        crashes: CrashRecord = CrashRecord(path: nil),
        isFree: @escaping IsFree = { _ in false }, discardFiles: @escaping DiscardFiles,
        publishFiles: @escaping PublishFiles
    ) throws(CoordinationError) {
        guard try store.isPlanned() else { throw CoordinationError(.conflict, "plan", "the plan is not complete") }
        self.store = store
        self.commits = CommitQueue(store, policy)
        self.current = current
        self.policy = policy
        self.makesDrafts = makesDrafts
        self.crashes = crashes
        self.isFree = isFree
        self.publishFiles = publishFiles
        self.discardFiles = discardFiles
        self.stopwatch = Stopwatch(clock)
        self.wallClock = wallClock
        self.logger = logger
    }

    /// Takes over what a former coordinator left: leases as `leases` says, and what was being published is finished.
    package func takeOver(_ leases: FormerLeases) async throws(CoordinationError) {
        try await commits.commit { transaction throws(CoordinationError) in
            if leases == .released { try transaction.releaseAll() }
            // Also what is being published then: its time is of the former process's clock.
            try transaction.adopt()
        }
        try await finishPublications()
    }

    /// What `worker`, the process `incarnation` of that name, may work on next: at most `limit` units.
    ///
    /// `request` names this request: new for each one, the same when it is repeated because the answer was lost. `node` is where
    /// the worker runs, where that is known.
    package func acquire(
        worker: String, incarnation: String, on node: String? = nil, request: String, limit: Int = 1
    ) async throws(CoordinationError) -> LeaseAnswer {
        try await reclaimExpired()
        board.touch(worker, on: node, seen: wallClock(), now: stopwatch.elapsed)
        let request = LeaseRequest(worker: worker, incarnation: incarnation, name: request, limit: limit)
        let (acquired, failedUnits) = try await commits.commit { transaction throws(CoordinationError) in
            let acquired = try transaction.acquire(request)
            guard case .granted(let grants) = acquired, grants.isEmpty, try transaction.openUnitCount() == 0
            else { return (acquired, Int?.none) }
            return (acquired, try transaction.failedUnitCount())
        }
        switch acquired {
        case .replaced: return .replaced
        case .granted(let grants):
            for grant in grants { logger.debug("unit leased", metadata: metadata(grant.lease)) }
            if !grants.isEmpty {
                return .granted(
                    grants.map { grant in
                        var grant = grant
                        grant.crashedRows = crashes.rows(of: grant.unit)
                        return grant
                    })
            }
            guard let failedUnits else { return .wait(policy.waitDuration) }
            board.noteTold(worker)
            return .done(failedUnits: failedUnits)
        }
    }

    /// Lets a lease live on; a worker asks for it when the unit has moved, so that a unit that hangs is taken away.
    ///
    /// A lease past its time that nobody else has asked for is renewed: nothing was lost by it.
    package func renew(_ lease: Lease) async throws(CoordinationError) -> LeaseStanding {
        try await commits.commit { transaction throws(CoordinationError) in try transaction.renew(lease) }
    }

    /// Counts a failure of a unit; it waits for another try, or has failed for good.
    package func fail(_ lease: Lease, message: String) async throws(CoordinationError) -> LeaseStanding {
        let failure = try await commits.commit { transaction throws(CoordinationError) in
            try transaction.fail(lease, message: message)
        }
        guard let failure else { return .stale }
        note([failure])
        return .accepted
    }

    /// Takes a unit back from a worker that was asked to stop; no failure is counted.
    package func release(_ lease: Lease) async throws(CoordinationError) -> LeaseStanding {
        let standing = try await commits.commit { transaction throws(CoordinationError) in
            try transaction.release(lease)
        }
        if standing == .accepted {
            board.remove(lease)
            logger.debug("unit released", metadata: metadata(lease))
        }
        return standing
    }

    /// Takes back at once whatever a worker holds that has ended, only from the process `incarnation` where that is given.
    ///
    /// `message` says what became of it, and counts as a failure of each of its units; nil when it was told to stop.
    /// Answers whether it had ever asked for work.
    package func workerEnded(
        _ worker: String, incarnation: String? = nil, message: String?
    ) async throws(CoordinationError) -> Bool {
        let wasHeardOf = try await end(worker, incarnation: incarnation, message: message)
        await recordSightings()
        return wasHeardOf
    }

    private func end(
        _ worker: String, incarnation: String?, message: String?
    ) async throws(CoordinationError) -> Bool {
        note(
            try await commits.commit { transaction throws(CoordinationError) in
                try transaction.endWorker(worker, incarnation: incarnation, message: message)
            })
        return board.remove(worker)
    }

    /// Whether `worker`, which has ended, is to be started again, because there is work left; if so, it is waited for.
    package func needs(_ worker: String) throws(CoordinationError) -> Bool {
        guard try hasWork() else { return false }
        board.noteExpected(worker, at: stopwatch.elapsed)
        return true
    }

    /// Takes back at once whatever the workers hold that were last heard of on `node`, which is down; answers their names.
    package func nodeEnded(_ node: String, message: String?) async throws(CoordinationError) -> [String] {
        let workers = board.workers(on: node)
        for worker in workers { _ = try await end(worker, incarnation: nil, message: message) }
        await recordSightings()
        return workers
    }

    /// Takes note of a row on which the holder of `lease` crashed, and takes the unit back, no failure counted.
    ///
    /// Whoever gets the unit next is told of the row, and leaves it out.
    package func crashed(_ lease: Lease, _ crash: CrashedRow) async throws(CoordinationError) -> LeaseStanding {
        if try crashes.add(crash, of: lease) {
            logger.warning(
                "a decoder crashed; the row is left out",
                metadata: [
                    "source": "\(lease.unit.source)", "row": "\(crash.row)", "signal": "\(crash.signal)",
                    "worker": "\(lease.worker)",
                ])
        }
        return try await release(lease)
    }

    /// Whether `worker` lost a lease by not renewing it, and has not ended since: it hangs.
    package func hangs(_ worker: String) async throws(CoordinationError) -> Bool {
        try await reclaimExpired()
        return board.hasLostLease(worker)
    }

    /// Takes in what a worker tells of itself, and answers which of the leases that it named are not its any more.
    ///
    /// It says that the process lives, not that its units move: it renews nothing.
    package func heartbeat(_ report: WorkerReport) async throws(CoordinationError) -> [Lease] {
        let leases = report.units.map(\.lease)
        board.note(report, seen: wallClock(), now: stopwatch.elapsed)
        let lost =
            leases.isEmpty
            ? []
            : try await commits.commit { transaction throws(CoordinationError) in try transaction.lost(among: leases) }
        for lease in lost { board.remove(lease) }
        let now = stopwatch.elapsed
        if lastSightings.map({ now - $0 >= Self.sightingInterval }) ?? true { await recordSightings() }
        return lost
    }

    /// How far the build is, with what workers have told since the last shard.
    package func status() async throws(CoordinationError) -> BuildStatus {
        try await reclaimExpired()
        return try currentStatus()
    }

    private func currentStatus() throws(CoordinationError) -> BuildStatus {
        let now = stopwatch.elapsed
        var status = try store.statusWithoutWorkers()
        status.workers = board.sightings(now: now)
        let inFlight = board.rowsInFlight
        for index in status.sources.indices {
            let source = status.sources[index]
            let rows = min(inFlight[source.name, default: 0], source.rows - source.publishedRows)
            rates[source.name, default: RateWindow()].add(source.publishedRows + rows, at: now)
            status.sources[index].rowsInFlight = rows
            status.sources[index].rowsPerSecond = max(0, rates[source.name]?.rate(at: now) ?? 0)
        }
        return status
    }

    /// The names of the workers that hold a unit, heard of or not, sorted.
    package func leaseHolders() throws(CoordinationError) -> [String] { try store.leaseHolders() }

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

    private func reclaimExpired() async throws(CoordinationError) {
        let now = stopwatch.elapsed
        guard lastExpiry.map({ now - $0 >= Self.expiryInterval }) ?? true else { return }
        lastExpiry = now
        let expired = try await commits.commit { transaction throws(CoordinationError) in try transaction.expire() }
        for failure in expired { board.noteExpired(failure.lease) }
        note(expired)
    }

    func note(_ failures: [CountedFailure]) {
        for failure in failures {
            board.remove(failure.lease)
            var facts = metadata(failure.lease)
            facts["failures"] = "\(failure.failures)"
            facts["message"] = "\(failure.message)"
            if failure.isFinal {
                logger.warning("unit failed for good", metadata: facts)
            } else {
                logger.debug("unit failed", metadata: facts)
            }
        }
    }

    /// Only for people: what cannot be written now, on a full disk perhaps, is written the next time.
    private func recordSightings() async {
        lastSightings = stopwatch.elapsed
        do {
            let status = try currentStatus()
            let progress = Dictionary(
                status.sources.map {
                    ($0.name, SourceProgress(rowsInFlight: $0.rowsInFlight, rowsPerSecond: $0.rowsPerSecond))
                }, uniquingKeysWith: { first, _ in first })
            let sightings = try await blocking { try RecordedSightings(status.workers) }
            try await commits.commit { transaction throws(CoordinationError) in
                try transaction.recordSightings(sightings, progress: progress)
            }
        } catch {
            logger.debug("progress not recorded", metadata: ["reason": "\(error)"])
        }
    }

    func metadata(_ lease: Lease) -> Logger.Metadata {
        ["unit": "\(lease.unit)", "generation": "\(lease.generation)", "worker": "\(lease.worker)"]
    }
}
