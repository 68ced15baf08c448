import Coordination
import Foundation
import Locks
import Samples

/// A job store that fails when it is told to.
final class FaultyStore: JobStore {
    enum Fault: Sendable {
        /// Nothing can be written.
        case full
        /// What is decided is written, but nobody hears of it.
        case lostAnswers
        /// The process that used it is dead: nothing is read or written.
        case dead
    }

    private let base: any JobStore
    private let fault = Locked<Fault?>(nil)
    private let transactions = Locked(0)
    private let death = Locked<(after: Int, isCommitted: Bool)?>(nil)
    /// How many were begun.
    var transactionCount: Int { transactions.withLock { $0 } }

    init(_ base: any JobStore) { self.base = base }

    func setFault(_ fault: Fault?) { self.fault.withLock { $0 = fault } }

    var isDead: Bool { fault.withLock { $0 == .dead } }

    /// The process dies in the transaction after `count` more, which may be committed all the same.
    func die(after count: Int, isCommitted: Bool) { death.withLock { $0 = (count, isCommitted) } }

    /// Whether the process dies in this transaction, and if so, whether that is committed.
    private func dies() -> Bool? {
        death.withLock { death in
            guard let next = death else { return nil }
            death = next.after > 0 ? (next.after - 1, next.isCommitted) : nil
            return next.after > 0 ? nil : next.isCommitted
        }
    }

    var id: BuildID { base.id }

    func transact<Value>(
        under policy: LeasePolicy, _ body: (any LeaseTransaction) throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value {
        transactions.withLock { $0 += 1 }
        let dies = dies()
        if let isCommitted = dies { setFault(isCommitted && !isDead ? .lostAnswers : .dead) }
        defer { if dies != nil { setFault(.dead) } }
        return try write { () throws(CoordinationError) in try base.transact(under: policy, body) }
    }

    private func write<Value>(
        _ body: () throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value {
        let fault = fault.withLock { $0 }
        let error = CoordinationError(.store, "test", "\(String(describing: fault))", isOutage: true)
        if fault == .full || fault == .dead { throw error }
        let value = try body()
        if fault == .lostAnswers { throw error }
        return value
    }

    private func read<Value>(
        _ body: () throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value {
        if fault.withLock({ $0 }) == .dead { throw CoordinationError(.store, "test", "dead") }
        return try body()
    }

    func build() throws(CoordinationError) -> BuildRecord? { try read(base.build) }
    func isPlanned() throws(CoordinationError) -> Bool { try read(base.isPlanned) }

    func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError) -> PlanTicket {
        try write { () throws(CoordinationError) in try base.beginPlan(of: build, sources: sources) }
    }

    func addToPlan(_ units: [WorkUnit], _ ticket: PlanTicket) throws(CoordinationError) {
        try write { () throws(CoordinationError) in try base.addToPlan(units, ticket) }
    }

    func finishPlan(_ ticket: PlanTicket) throws(CoordinationError) {
        try write { () throws(CoordinationError) in try base.finishPlan(ticket) }
    }

    func retryFailed() throws(CoordinationError) { try write(base.retryFailed) }

    func recordFinal(unit: UnitID, _ result: UnitResult) throws(CoordinationError) {
        try write { () throws(CoordinationError) in try base.recordFinal(unit: unit, result) }
    }

    func takeBack(unit: UnitID) throws(CoordinationError) {
        try write { () throws(CoordinationError) in try base.takeBack(unit: unit) }
    }

    func published(unit: UnitID) throws(CoordinationError) -> PublishedUnit? {
        try read { () throws(CoordinationError) in try base.published(unit: unit) }
    }

    func published(after unit: UnitID?, limit: Int) throws(CoordinationError) -> [PublishedUnit] {
        try read { () throws(CoordinationError) in try base.published(after: unit, limit: limit) }
    }

    func failed(after unit: UnitID?, limit: Int) throws(CoordinationError) -> [FailedUnit] {
        try read { () throws(CoordinationError) in try base.failed(after: unit, limit: limit) }
    }

    func openUnitCount() throws(CoordinationError) -> Int { try read(base.openUnitCount) }
    func leaseHolders() throws(CoordinationError) -> [String] { try read(base.leaseHolders) }

    func owns(unit: UnitID) throws(CoordinationError) -> Bool {
        try read { () throws(CoordinationError) in try base.owns(unit: unit) }
    }

    func recordOwned(unit: UnitID) throws(CoordinationError) {
        try write { () throws(CoordinationError) in try base.recordOwned(unit: unit) }
    }

    func leftovers() throws(CoordinationError) -> [WorkUnit] { try read(base.leftovers) }
    func disownLeftovers() throws(CoordinationError) { try write(base.disownLeftovers) }

    func status() throws(CoordinationError) -> BuildStatus { try read(base.status) }
    func statusWithoutWorkers() throws(CoordinationError) -> BuildStatus { try read(base.statusWithoutWorkers) }
}
