import Foundation
import Locks
package import Samples

/// A job store that forgets: the model that the others are held against, and the quickest one for tests.
///
/// `LeaseTable` says who holds what; a transaction changes a copy, which takes the place of the original where it succeeds.
package final class MemoryJobStore: JobStore {
    package let id: BuildID
    private let stopwatch: Stopwatch
    private let content = Locked(MemoryContent())

    /// An empty store whose leases expire by `clock`.
    package init(id: BuildID = .random(), clock: some Clock<Duration> = ContinuousClock()) {
        self.id = id
        stopwatch = Stopwatch(clock)
    }

    package func transact<Value>(
        under policy: LeasePolicy, _ body: (any LeaseTransaction) throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value {
        try change { content throws(CoordinationError) in
            let transaction = MemoryTransaction(content, policy, id, now: stopwatch.elapsed)
            let value = try body(transaction)
            content = transaction.content
            return value
        }
    }

    private func change<Value>(
        _ body: (inout MemoryContent) throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value {
        var result: Value?
        try content.withLock { content throws(CoordinationError) in
            var changed = content
            result = try body(&changed)
            content = changed
        }
        guard let result else { preconditionFailure("it was set or something was thrown") }
        return result
    }

    private var current: MemoryContent { content.withLock { $0 } }

    // MARK: The plan

    package func build() -> BuildRecord? { current.build }

    package func isPlanned() -> Bool { current.isPlanned }

    package func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError) -> PlanTicket {
        try change { content throws(CoordinationError) in
            guard !content.isPlanned else {
                throw CoordinationError(.conflict, "plan", "the build has a complete plan")
            }
            let ticket = PlanTicket.random()
            content = MemoryContent(build: build, ticket: ticket, sources: sources)
            return ticket
        }
    }

    package func addToPlan(_ units: [WorkUnit], _ ticket: PlanTicket) throws(CoordinationError) {
        try change { content throws(CoordinationError) in
            try content.requirePlanning(ticket)
            for unit in units {
                let id = UnitID(unit, in: id)
                guard content.sources.contains(unit.source), content.entries[id] == nil else {
                    throw CoordinationError(.store, "unit \(id)", "does not fit the plan")
                }
                content.entries[id] = MemoryContent.Entry(unit: unit)
            }
        }
    }

    package func finishPlan(_ ticket: PlanTicket) throws(CoordinationError) {
        try change { content throws(CoordinationError) in
            try content.requirePlanning(ticket)
            content.isPlanned = true
        }
    }

    // MARK: Units

    package func retryFailed() throws(CoordinationError) {
        try change { content throws(CoordinationError) in
            for (id, entry) in content.entries where entry.state == .failed {
                content.entries[id]?.state = .waiting
                content.entries[id]?.failures = 0
            }
        }
    }

    package func recordFinal(unit: UnitID, _ result: UnitResult) throws(CoordinationError) {
        try change { content throws(CoordinationError) in
            guard let entry = content.entries[unit], case .published(let generation, _, isDraft: true) = entry.state
            else {
                throw CoordinationError(.conflict, "unit \(unit)", "no draft")
            }
            if let fault = result.fault(for: entry.unit) {
                throw CoordinationError(.badResult, entry.unit.shardName, fault)
            }
            content.entries[unit]?.state = .published(generation: generation, result, isDraft: false)
        }
    }

    package func takeBack(unit: UnitID) throws(CoordinationError) {
        try change { content throws(CoordinationError) in
            guard case .published(_, _, let isDraft)? = content.entries[unit]?.state else {
                throw CoordinationError(.conflict, "unit \(unit)", "not published")
            }
            content.entries[unit]?.state = .waiting
            content.entries[unit]?.failures = 0
            content.entries[unit]?.isOwned = !isDraft
        }
    }

    package func published(unit: UnitID) -> PublishedUnit? { current.entries[unit].flatMap(published) }

    package func published(after unit: UnitID?, limit: Int) -> [PublishedUnit] {
        Array(current.ordered(after: unit).compactMap(published).prefix(limit))
    }

    private func published(_ entry: MemoryContent.Entry) -> PublishedUnit? {
        guard case .published(let generation, let result, let isDraft) = entry.state else { return nil }
        return PublishedUnit(unit: entry.unit, generation: generation, result: result, isDraft: isDraft)
    }

    package func failed(after unit: UnitID?, limit: Int) -> [FailedUnit] {
        current.ordered(after: unit).filter { $0.state == .failed }.prefix(limit).map {
            FailedUnit(unit: $0.unit, failures: $0.failures, message: $0.message)
        }
    }

    package func openUnitCount() -> Int { current.openUnitCount }

    package func leaseHolders() -> [String] { Set(current.table.held.map(\.lease.worker)).sorted() }

    // MARK: Own files

    package func owns(unit: UnitID) -> Bool { current.entries[unit]?.isOwned ?? false }

    package func recordOwned(unit: UnitID) throws(CoordinationError) {
        try change { content throws(CoordinationError) in content.entries[unit]?.isOwned = true }
    }

    package func leftovers() -> [WorkUnit] { current.leftovers.map(\.unit) }

    package func disownLeftovers() throws(CoordinationError) {
        try change { content throws(CoordinationError) in
            for entry in content.leftovers { content.entries[UnitID(entry.unit, in: id)]?.isOwned = false }
        }
    }

    // MARK: Status

    package func status() throws(CoordinationError) -> BuildStatus { try current.status(of: id) }

    package func statusWithoutWorkers() throws(CoordinationError) -> BuildStatus {
        var status = try status()
        status.workers = []
        return status
    }
}
