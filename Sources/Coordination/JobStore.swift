package import Samples

/// The state of one build with its leases: who may work on what, until when.
///
/// The store decides: each decision is conditional on what it says at that moment, by its own clock. So any number of coordinators
/// may use it at once, and one that is behind damages nothing: what does not hold any more is `stale`, and is no error.
package protocol JobStore: BuildStore {
    /// Makes all decisions of `body` in one commit, durable when this returns; none of them where it throws.
    ///
    /// `body` may be run more than once: it must change nothing outside but what the next run sets anew.
    func transact<Value>(
        under policy: LeasePolicy, _ body: (any LeaseTransaction) throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value
}

/// Decisions about leases that share one commit; of no use outside the closure that it was given to.
///
/// A unit waits, is leased, is being published, is published, or has failed for good. Messages repeat and come late: whatever
/// is asked twice gets the same answer, and whatever comes under a lease that is not the unit's is `stale`.
package protocol LeaseTransaction {
    /// Leases units for `request`.
    ///
    /// The same request again finds what it was granted. Waiting units with the fewest failures come first, then in the order of the
    /// manifest; one that failed before goes alone, to a worker that holds nothing else: should it take its worker down again, no
    /// neighbour is blamed. A request of a new process of the name takes what the former one held, which counts as a
    /// failure; a former one's is answered with `replaced`.
    func acquire(_ request: LeaseRequest) throws(CoordinationError) -> Acquired
    /// How many units are neither published nor failed for good.
    func openUnitCount() throws(CoordinationError) -> Int
    /// How many units failed for good.
    func failedUnitCount() throws(CoordinationError) -> Int
    /// Lets a lease live on for its whole duration; also one past its time that nobody has taken away.
    func renew(_ lease: Lease) throws(CoordinationError) -> LeaseStanding
    /// Which of `leases`, all of the worker that holds them or did, are not current any more.
    func lost(among leases: [Lease]) throws(CoordinationError) -> [Lease]
    /// Counts a failure for every lease that was not renewed in time; not for those that are being published.
    func expire() throws(CoordinationError) -> [CountedFailure]
    /// Gives a leased unit back, not counting a failure.
    func release(_ lease: Lease) throws(CoordinationError) -> LeaseStanding
    /// Counts a failure of a leased unit; nil where the lease is stale.
    func fail(_ lease: Lease, message: String) throws(CoordinationError) -> CountedFailure?

    /// Notes that the files of a leased unit are about to be put in place; meanwhile nobody takes the lease away.
    ///
    /// With `owning`, files with the name of the unit under `shards/` are the build's own from now on, as `recordOwned` notes: for a
    /// name that is free. The same holds where it was begun before without.
    func beginPublish(_ lease: Lease, _ result: UnitResult, owning: Bool) throws(CoordinationError) -> PublishStart
    /// Records that the files of `result`, with which it was begun, are in place; as a draft, it is not yet known which of its samples
    /// are kept.
    ///
    /// Accepted again when it is repeated, by whomever.
    func commitPublish(
        _ lease: Lease, _ result: UnitResult, asDraft: Bool
    ) throws(CoordinationError) -> LeaseStanding
    /// Gives up what was begun; the failure that was counted, if one was, nil also where the lease is stale.
    ///
    /// First remove what is left of its files: whoever was stopped while it put them in place must find nothing to put over what
    /// the next holder of the unit makes.
    func abandonPublish(_ lease: Lease, _ end: PublishEnd) throws(CoordinationError) -> CountedFailure?
    /// What is being published, or was when a coordinator ended; only what is past its time when `expired`.
    func unfinishedPublications(expired: Bool) throws(CoordinationError) -> [Publication]

    /// Takes back what a worker holds that has ended, only from the process `incarnation` where that is given.
    ///
    /// `message` counts as a failure of each unit; nil when the worker was told to stop. Gives the failures.
    func endWorker(
        _ worker: String, incarnation: String?, message: String?
    ) throws(CoordinationError) -> [CountedFailure]
    /// Gives every lease its whole duration, because nobody could renew it: for a coordinator that starts.
    func adopt() throws(CoordinationError)
    /// Gives every leased unit back, not counting a failure: for a coordinator whose workers ended with its predecessor.
    func releaseAll() throws(CoordinationError)
    /// Replaces all that is known of workers by `sightings`, and of what is being done by `progress`, by source; for people.
    func recordSightings(
        _ sightings: RecordedSightings, progress: [String: SourceProgress]
    ) throws(CoordinationError)
}

/// What is known of workers, and its text in a store: made before the commit, which others wait for.
package struct RecordedSightings: Sendable {
    let workers: [WorkerSighting]
    let text: String

    package init(_ workers: [WorkerSighting]) throws {
        self.workers = workers
        text = try storedText(workers)
    }
}

/// What became of a request for units.
package enum Acquired: Hashable, Sendable {
    /// As many as there were, in order.
    case granted([LeaseGrant])
    /// A later process of the same name has asked for work.
    case replaced
}

/// A failure that was counted.
package struct CountedFailure: Hashable, Sendable {
    package let lease: Lease
    /// How often the unit has failed by now.
    package let failures: Int
    /// Whether it has failed for good.
    package let isFinal: Bool
    package let message: String

    package init(lease: Lease, failures: Int, isFinal: Bool, message: String) {
        self.lease = lease
        self.failures = failures
        self.isFinal = isFinal
        self.message = message
    }
}

/// What becomes of a publication that is asked for.
package enum PublishStart: Hashable, Sendable {
    /// Put the files in place; also when it was begun before by the same message.
    case begun(WorkUnit)
    /// It is done already.
    case published
    /// The lease is not current, or the result is another than was begun or published.
    case stale
    /// The result cannot be the unit's, for the reason given.
    case badResult(WorkUnit, String)
}

/// What becomes of a unit whose publication is given up.
package enum PublishEnd: Hashable, Sendable {
    /// It waits for another try, without a failure: the files are gone.
    case waits
    /// It counts as a failure, with this message.
    case fails(String)
}

/// A publication that was begun and not recorded as done.
package struct Publication: Hashable, Sendable {
    package let unit: WorkUnit
    package let lease: Lease
    package let result: UnitResult

    package init(unit: WorkUnit, lease: Lease, result: UnitResult) {
        self.unit = unit
        self.lease = lease
        self.result = result
    }
}

/// What is said of a failure is kept up to this length, in characters.
let failureMessageLimit = 2000
