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

    /// Gives the record of every row of `unit` to `sink`, in row order; the first failure of any stage ends the unit.
    ///
    /// `allStarted` is called when the last row was taken from the list: from then on there is room for another unit.
    package func run(
        _ unit: WorkUnit, of adapter: any SourceAdapter, allStarted: @escaping @Sendable () -> Void = {},
        sink: @escaping @Sendable (SampleRecord) async throws -> Void
    ) async throws {
        let prepared = AsyncChannel<SampleRecord>()
        let finished = AsyncChannel<SampleRecord>()
        let share = ByteBudget.Share(of: budget)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await prepare(unit, adapter, share, allStarted, into: bootstrap == nil ? finished : prepared)
            }
            if let bootstrap { group.addTask { try await caption(prepared, bootstrap, into: finished) } }
            group.addTask {
                for await record in finished {
                    try await sink(record)
                    share.take(-record.reservedByteCount)
                }
            }
            for try await _ in group {}  // waitForAll() would wait for stages that nobody feeds any more
        }
        try Task.checkCancellation()  // a cancelled channel looks like a finished one
    }

    /// Rows to images, in row order.
    private func prepare(
        _ unit: WorkUnit, _ adapter: any SourceAdapter, _ share: ByteBudget.Share,
        _ allStarted: @Sendable () -> Void, into output: AsyncChannel<SampleRecord>
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
            var record = await self.record(of: listed, share)
            record.reservedByteCount = record.byteCount
            share.take(record.reservedByteCount)
            return bootstrap == nil ? record.keepingGiven() : record
        } emit: { record in
            await output.send(record)
        }
        output.finish()
    }

    private func record(of listed: ListedRow, _ share: ByteBudget.Share) async -> SampleRecord {
        switch listed.outcome {
        case .kept(let row): await images.run(row, url: listed.url, share)
        case .rejected(let rejection):
            SampleRecord(id: listed.id, sourceID: "", url: listed.url, given: [], rejection: rejection)
        }
    }

    /// Images to captions, batch by batch, in row order.
    private func caption(
        _ input: AsyncChannel<SampleRecord>, _ bootstrap: BootstrapStage, into output: AsyncChannel<SampleRecord>
    ) async throws {
        var iterator = input.makeAsyncIterator()
        var batcher = Batcher(size: limits.batch)
        func next() async -> [SampleRecord]? {
            while let record = await iterator.next() {
                if let group = batcher.add(record) { return group }
            }
            return batcher.flush()
        }
        try await boundedMap(next, limit: limits.batches) { group in
            try await bootstrap.run(group)
        } emit: { group in
            for record in group { await output.send(record) }
        }
        output.finish()
    }
}
