import AsyncAlgorithms
package import Samples
package import SourceAdapters

/// Carries one work unit from the rows of its list to records for its shard, in row order.
package struct UnitRunner: Sendable {
    /// How much may be in flight in one unit.
    package struct Limits: Sendable {
        /// Rows, those that wait for an earlier one included.
        package let window: Int
        /// Rows that are being fetched or decoded.
        package let running: Int
        /// Images a batch.
        package let batch: Int
        /// Batches in the models at once.
        package let batches: Int

        package init(window: Int, running: Int, batch: Int, batches: Int) {
            self.window = window
            self.running = running
            self.batch = batch
            self.batches = batches
        }
    }

    private let images: ImageStage
    private let bootstrap: BootstrapStage?
    private let limits: Limits
    private let budget: ByteBudget

    /// Without `bootstrap`, the captions that came with the images are kept.
    package init(images: ImageStage, bootstrap: BootstrapStage?, limits: Limits, budget: ByteBudget) {
        self.images = images
        self.bootstrap = bootstrap
        self.limits = limits
        self.budget = budget
    }

    /// Gives every row of `unit`, finished, to `sink`, in row order; the first failure of any stage ends the unit.
    ///
    /// `allStarted` is called when the last row was taken from the list: from then on there is room for another unit.
    package func run(
        _ unit: WorkUnit, of adapter: any SourceAdapter, allStarted: @escaping @Sendable () -> Void = {},
        sink: @escaping @Sendable (FinishedRow) async throws -> Void
    ) async throws {
        let prepared = AsyncChannel<Held>()
        let finished = AsyncChannel<(FinishedRow, byteCount: Int)>()
        let share = ByteBudget.Share(of: budget)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await prepare(unit, adapter, share, allStarted, into: prepared) }
            group.addTask { try await caption(prepared, into: finished) }
            group.addTask {
                for await (row, byteCount) in finished {
                    try await sink(row)
                    share.take(-byteCount)
                }
            }
            for try await _ in group {}  // waitForAll() would wait for stages that nobody feeds any more
        }
        try Task.checkCancellation()  // a cancelled channel looks like a finished one
    }

    /// A row with what the models see of it, and what both were counted with in the budget.
    private struct Held: Sendable {
        let row: PreparedRow
        let views: ModelViews?

        var isOpen: Bool { if case .encoded = row { true } else { false } }
        var byteCount: Int {
            guard case .encoded(let row) = row else { return 0 }
            return row.image.bytes.count + (views?.byteCount ?? 0)
        }
    }

    /// Rows to images, in row order.
    private func prepare(
        _ unit: WorkUnit, _ adapter: any SourceAdapter, _ share: ByteBudget.Share,
        _ allStarted: @Sendable () -> Void, into output: AsyncChannel<Held>
    ) async throws {
        var reader = try adapter.reader(of: unit)
        func next() throws -> ListedRow? {
            if let row = try reader.next() { return row }
            allStarted()
            return nil
        }
        try await boundedMap(
            next, limit: limits.window, running: limits.running, hasRoom: { share.hasRoom }
        ) { listed in
            let (row, views) = await images.run(listed, share)
            let held = Held(row: row, views: views)
            share.take(held.byteCount)
            return held
        } emit: { held in
            await output.send(held)
        }
        output.finish()
    }

    /// Images to captions, batch by batch, in row order.
    private func caption(
        _ input: AsyncChannel<Held>, into output: AsyncChannel<(FinishedRow, byteCount: Int)>
    ) async throws {
        var iterator = input.makeAsyncIterator()
        var batcher = Batcher<Held>(size: limits.batch, isOpen: \.isOpen)
        func next() async -> [Held]? {
            while let held = await iterator.next() {
                if let group = batcher.add(held) { return group }
            }
            return batcher.flush()
        }
        try await boundedMap(next, limit: limits.batches) { group in
            zip(try await captioned(group), group).map { ($0, $1.byteCount) }
        } emit: { group in
            for (row, byteCount) in group { await output.send((row, byteCount)) }
        }
        output.finish()
    }

    private func captioned(_ group: [Held]) async throws -> [FinishedRow] {
        guard let bootstrap else { return group.map { held in finished(held.row) { outcome(given: $0) } } }
        let seen = group.compactMap { held -> BootstrapStage.Seen? in
            guard case .encoded(let row) = held.row, let views = held.views else { return nil }
            return BootstrapStage.Seen(origin: row.origin, views: views)
        }
        var outcomes = try await bootstrap.run(seen)[...]
        return group.map { held in finished(held.row) { _ in outcomes.removeFirst() } }
    }

    private func finished(_ row: PreparedRow, _ outcome: (RowOrigin) -> Outcome<RowCaptions>) -> FinishedRow {
        switch row {
        case .leftOut(let row): return .leftOut(row)
        case .encoded(let row):
            switch outcome(row.origin) {
            case .kept(let captions): return .kept(row, captions)
            case .rejected(let rejection): return .leftOut(LeftOutRow(row, rejection))
            }
        }
    }

    private func outcome(given origin: RowOrigin) -> Outcome<RowCaptions> {
        RowCaptions(given: origin.given).map { .kept($0) }
            ?? .rejected(Rejection(.badRow, "no caption: the list gives none and none is made"))
    }
}
