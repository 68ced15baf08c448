import Foundation
package import Samples

/// The right to write one plan: whoever begins to plan later takes it away.
package struct PlanTicket: Hashable, Sendable {
    let secret: String

    /// A new one.
    static func random() -> PlanTicket { PlanTicket(secret: BuildID.random().text) }
}

/// The durable state of one build, but for who may work on what: the plan, what is published, which files are its own.
///
/// A store holds many builds; this is the view of one of them. Every writing method is one transaction: after a crash at any
/// moment it has happened as a whole or not at all, and once it returned it survives a power cut. Calls block on the disk
/// or the network: make them off the shared threads.
package protocol BuildStore: Sendable {
    /// The build that this is the state of.
    var id: BuildID { get }

    /// What the build is of; nil before planning began.
    func build() throws(CoordinationError) -> BuildRecord?
    /// Whether the plan is whole.
    func isPlanned() throws(CoordinationError) -> Bool
    /// Begins the plan of `build`; a plan that was begun and not finished is forgotten, and its ticket is of no use any more.
    ///
    /// Throws `conflict` where the plan is whole.
    func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError) -> PlanTicket
    /// Adds units to the plan, all or none; `locked` when another has begun to plan since.
    func addToPlan(_ units: [WorkUnit], _ ticket: PlanTicket) throws(CoordinationError)
    /// Closes the plan: from now on units are leased; `locked` when another has begun to plan since.
    func finishPlan(_ ticket: PlanTicket) throws(CoordinationError)

    /// Gives the units that failed for good another set of attempts.
    func retryFailed() throws(CoordinationError)
    /// Replaces the result of a draft by what is published; `conflict` unless `unit` is one.
    func recordFinal(unit: UnitID, _ result: UnitResult) throws(CoordinationError)
    /// Lets a published unit, or a draft, wait again, because its files are damaged or gone; `conflict` unless it is one.
    func takeBack(unit: UnitID) throws(CoordinationError)

    /// What `unit` became; nil while it is not published.
    func published(unit: UnitID) throws(CoordinationError) -> PublishedUnit?
    /// The published units after `unit`, or from the first one on, in the order of the manifest, at most `limit`.
    func published(after unit: UnitID?, limit: Int) throws(CoordinationError) -> [PublishedUnit]
    /// The units that failed for good after `unit`, or from the first one on, in order, at most `limit`.
    func failed(after unit: UnitID?, limit: Int) throws(CoordinationError) -> [FailedUnit]
    /// How many units are neither published nor failed for good.
    func openUnitCount() throws(CoordinationError) -> Int
    /// The names of the workers that hold a unit, sorted.
    func leaseHolders() throws(CoordinationError) -> [String]

    /// Whether files under `shards/` with the name of `unit` are the build's own.
    func owns(unit: UnitID) throws(CoordinationError) -> Bool
    /// Notes that files with the name of `unit` are about to be put under `shards/`: what is there from now on is the
    /// build's own.
    func recordOwned(unit: UnitID) throws(CoordinationError)
    /// The units of which a killed coordinator may have left files under `shards/`, while they are not published.
    ///
    /// Not those that are being published: their files are wanted.
    func leftovers() throws(CoordinationError) -> [WorkUnit]
    /// Notes that there are no such files any more.
    func disownLeftovers() throws(CoordinationError)

    /// How far the build is; takes the same time for a thousand units as for a million.
    func status() throws(CoordinationError) -> BuildStatus
    /// `status` without the workers, who may be a thousand.
    func statusWithoutWorkers() throws(CoordinationError) -> BuildStatus
}

extension BuildStore {
    /// The id of `unit`, which is one of the build's.
    package func id(of unit: WorkUnit) -> UnitID { UnitID(unit, in: id) }

    /// Calls `body` with every published unit, in order, and never holds all of them.
    package func forEachPublished(_ body: (PublishedUnit) throws -> Void) throws {
        let limit = 1000
        var last: UnitID?
        while true {
            let page = try published(after: last, limit: limit)
            for unit in page { try body(unit) }
            guard page.count == limit, let end = page.last else { return }
            last = id(of: end.unit)
        }
    }
}
