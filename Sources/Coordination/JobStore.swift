import Digests
package import Foundation
package import Samples

/// What a build is of: written once, before anything is planned.
package struct BuildRecord: Hashable, Sendable {
    /// The digest of the settings that can change a byte of a shard.
    package let manifestDigest: ContentDigest
    /// The manifest as workers read it, every default written out.
    package let manifest: String
    /// The same as `key.path` to value: what a later manifest is compared with.
    package let settings: [String: String]
    /// The version of the software that began the build.
    package let softwareVersion: String
    /// When the build was begun; kept to the second.
    package let created: Date

    package init(
        manifestDigest: ContentDigest, manifest: String, settings: [String: String], softwareVersion: String,
        created: Date
    ) {
        self.manifestDigest = manifestDigest
        self.manifest = manifest
        self.settings = settings
        self.softwareVersion = softwareVersion
        self.created = Date(timeIntervalSince1970: created.timeIntervalSince1970.rounded(.down))
    }

    /// Names all that rows are made of: settings, inputs, checkpoints and software.
    ///
    /// What is left of a unit that was begun is used only by a build of the same name.
    package var identity: ContentDigest {
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        return digest(of: lines.joined() + softwareVersion)
    }
}

/// A unit that waits for a worker.
package struct WaitingUnit: Hashable, Sendable {
    package let unit: WorkUnit
    /// The generation of its last lease; 0 where it had none.
    package let generation: Int
    /// How often it failed.
    package let failures: Int

    package init(unit: WorkUnit, generation: Int, failures: Int) {
        self.unit = unit
        self.generation = generation
        self.failures = failures
    }
}

/// A unit that is finished, with what it became.
package struct PublishedUnit: Hashable, Sendable {
    package let unit: WorkUnit
    /// The generation of the lease under which it was published.
    package let generation: Int
    package let result: UnitResult
    /// Whether the shard waits for `recordFinal`.
    package let isDraft: Bool

    package init(unit: WorkUnit, generation: Int, result: UnitResult, isDraft: Bool) {
        self.unit = unit
        self.generation = generation
        self.result = result
        self.isDraft = isDraft
    }
}

/// The durable state of one build: the plan, who may work on what, what is published.
///
/// Every writing method is one transaction: after a crash at any moment it has happened as a whole or not at all, and
/// once it returned it survives a power cut. Writes under a lease are conditional: unless the unit is leased to that
/// worker under that generation they throw `conflict` and change nothing, so that a second coordinator, or one that is
/// behind, damages nothing. Calls block on the disk; the coordinator makes them on a thread of its own.
package protocol JobStore: Sendable {
    /// The build that the store belongs to; nil before planning began.
    func build() throws(CoordinationError) -> BuildRecord?
    /// Whether the plan is whole.
    func isPlanned() throws(CoordinationError) -> Bool
    /// Begins the plan of `build`; a plan that was begun and not finished is forgotten.
    func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError)
    /// Adds units to the plan, all or none.
    func addToPlan(_ units: [WorkUnit]) throws(CoordinationError)
    /// Closes the plan: from now on units are leased.
    func finishPlan() throws(CoordinationError)

    /// The next waiting unit: those with the fewest failures first, then in the order of the manifest; when
    /// `fresh`, only one that never failed.
    func nextUnit(fresh: Bool) throws(CoordinationError) -> WaitingUnit?
    /// How many units are neither published nor failed for good.
    func openUnitCount() throws(CoordinationError) -> Int
    /// Leases a waiting unit; `conflict` unless its generation is the one before the lease's.
    func recordLease(_ lease: Lease) throws(CoordinationError)
    /// Gives a leased unit back, not counting a failure.
    func recordRelease(_ lease: Lease) throws(CoordinationError)
    /// Counts a failure of a leased unit; when `isFinal` it has failed for good, else it waits again.
    func recordFailure(_ lease: Lease, message: String, isFinal: Bool) throws(CoordinationError)
    /// Records what a leased unit became; as a draft, it is not yet known which of its samples are kept.
    func recordPublished(_ lease: Lease, _ result: UnitResult, asDraft: Bool) throws(CoordinationError)
    /// Replaces the result of a draft by what is published; `conflict` unless unit `unit` is one.
    func recordFinal(unit: Int, _ result: UnitResult) throws(CoordinationError)
    /// Gives every leased unit back, not counting a failure: for a coordinator that starts.
    func releaseAll() throws(CoordinationError)
    /// Gives the units that failed for good another set of attempts.
    func retryFailed() throws(CoordinationError)
    /// How often the leased or waiting unit `unit` failed so far.
    func failures(of unit: Int) throws(CoordinationError) -> Int

    /// What unit `unit` became; nil while it is not published.
    func published(unit: Int) throws(CoordinationError) -> PublishedUnit?
    /// The published units after unit `id`, in order, at most `limit`.
    func published(after id: Int, limit: Int) throws(CoordinationError) -> [PublishedUnit]
    /// The units that failed for good after unit `id`, in order, at most `limit`.
    func failed(after id: Int, limit: Int) throws(CoordinationError) -> [FailedUnit]
    /// Whether files under `shards/` with the name of unit `unit` are the build's own.
    func owns(unit: Int) throws(CoordinationError) -> Bool
    /// Notes that files with the name of unit `unit` are about to be put under `shards/`: what is there from now on is the
    /// build's own.
    func recordOwned(unit: Int) throws(CoordinationError)
    /// The units of which a killed coordinator may have left files under `shards/`, while they are not published.
    func leftovers() throws(CoordinationError) -> [WorkUnit]
    /// Notes that there are no such files any more.
    func disownLeftovers() throws(CoordinationError)
    /// Lets a published unit, or a draft, wait again, because its files are damaged or gone; `conflict` unless it is one.
    func takeBack(unit: Int) throws(CoordinationError)
    /// Replaces all that is known of workers by `sightings`, and of what is being done by `progress`, by source.
    func recordSightings(
        _ sightings: [WorkerSighting], progress: [String: SourceProgress]
    ) throws(CoordinationError)
    /// How far the build is; takes the same time for a thousand units as for a million.
    func status() throws(CoordinationError) -> BuildStatus
}

extension JobStore {
    /// Calls `body` with every published unit, in order, and never holds all of them.
    package func forEachPublished(_ body: (PublishedUnit) throws -> Void) throws {
        let limit = 1000
        var last = -1
        while true {
            let page = try published(after: last, limit: limit)
            for unit in page { try body(unit) }
            guard page.count == limit, let end = page.last else { return }
            last = end.unit.id
        }
    }
}
