package import Samples

/// A source as the planner sees it: a name, and ranges of rows found in one pass.
package struct SourcePlan: Sendable {
    /// Takes one range: its first row, how many rows, where reading starts.
    package typealias Emit = (_ firstRow: Int, _ rowCount: Int, _ start: InputPosition) throws -> Void

    /// The name that the manifest gives the source.
    let name: String
    /// Finds the ranges in row order, without a gap, the same ones each time.
    let ranges: @Sendable (Emit) throws -> Void

    package init(name: String, ranges: @escaping @Sendable (Emit) throws -> Void) {
        self.name = name
        self.ranges = ranges
    }
}

/// Cuts the sources of a manifest into work units, and writes them into a job store batch by batch.
///
/// Killed at any moment it leaves either no plan, a plan that says that it is unfinished and is thrown away by the next
/// planner, or a whole one. No unit is leased before the plan is whole, so throwing it away loses nothing. Of two that plan the
/// same build at once the later one goes on, and the other fails with `locked`.
package struct Planner: Sendable {
    /// What became of a request to plan.
    package enum PlanOutcome: Hashable, Sendable {
        case planned
        /// The store has the whole plan of the same manifest.
        case resumed
    }

    private let store: any BuildStore
    private let batchCount: Int

    /// A planner that writes `batchCount` units a transaction.
    package init(store: any BuildStore, batchCount: Int = 1000) {
        precondition(batchCount > 0, "a batch has at least one unit")
        self.store = store
        self.batchCount = batchCount
    }

    /// Makes sure that the store has the whole plan of `build`.
    ///
    /// `prepare` makes what else units need, before the plan is whole; it is run for a new plan only.
    ///
    /// Throws `manifestChanged` when the store has the plan of another manifest, `planning` when a source cannot be
    /// read, `store`; and when the task is cancelled, `CancellationError`.
    package func plan(
        _ build: BuildRecord, sources: [SourcePlan], prepare: () throws -> Void = {}
    ) throws -> PlanOutcome {
        if let existing = try store.build(), try store.isPlanned() {
            let differences = compare(existing: existing.settings, new: build.settings)
            guard differences.isEmpty else {
                throw CoordinationError(.manifestChanged, "manifest", summary(of: differences))
            }
            return .resumed
        }
        let ticket = try store.beginPlan(of: build, sources: sources.map(\.name))
        for source in sources { try plan(source, ticket) }
        try prepare()
        try store.finishPlan(ticket)
        return .planned
    }

    private func plan(_ source: SourcePlan, _ ticket: PlanTicket) throws {
        var batch: [WorkUnit] = []
        var nextRow = 0
        var index = 0
        let add: SourcePlan.Emit = { firstRow, rowCount, start in
            guard firstRow == nextRow, rowCount > 0 else {
                throw CoordinationError(.planning, source.name, "rows \(firstRow) +\(rowCount) after row \(nextRow)")
            }
            batch.append(
                WorkUnit(source: source.name, index: index, firstRow: firstRow, rowCount: rowCount, start: start))
            (nextRow, index) = (nextRow + rowCount, index + 1)
            if batch.count == batchCount {
                try Task.checkCancellation()
                try store.addToPlan(batch, ticket)
                batch.removeAll(keepingCapacity: true)
            }
        }
        try source.ranges(add)
        if !batch.isEmpty { try store.addToPlan(batch, ticket) }
    }
}
