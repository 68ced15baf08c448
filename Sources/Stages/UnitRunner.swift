import Files
import Samples
package import SourceAdapters
import Spools

/// Carries one work unit from the rows of its list to a spool in which every row is done.
///
/// Every row goes its own way: none waits for an earlier one. Rows that a former lease has done are not done again.
package struct UnitRunner: Sendable {
    private let images: ImageStage
    private let desk: CaptionDesk?
    private let gate: RowGate
    private let disk: DiskPause

    /// Without `desk`, the captions that came with the images are kept.
    package init(images: ImageStage, desk: CaptionDesk?, gate: RowGate, disk: DiskPause) {
        self.images = images
        self.desk = desk
        self.gate = gate
        self.disk = disk
    }

    /// Returns when every row of `unit`, which `adapter` reads, is in its spool; the first failure of any stage ends it.
    package func run(_ unit: UnitInFlight, of adapter: any SourceAdapter) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await start(unit, adapter) }
            group.addTask { try await unit.ended() }
            for try await _ in group {}  // waitForAll() would wait for rows of a unit that has failed
        }
    }

    /// Takes the rows from their list and starts those that are not done, as fast as the gate lets them in.
    private func start(_ unit: UnitInFlight, _ adapter: any SourceAdapter) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await unit.progress.preparing {
                try await blocking { () throws(SourceError) in try adapter.prepare() }
            }
            let feed = RowFeed(unit.unit, of: adapter)
            var number = 0
            while case let rows = try await feed.next(), !rows.isEmpty {
                for listed in rows {
                    try await start(listed, number, unit, &group)
                    number += 1
                }
            }
            unit.progress.allStarted()
        }
    }

    /// Starts the row `number`, once the gate lets it in, unless it is done.
    private func start(
        _ listed: ListedRow, _ number: Int, _ unit: UnitInFlight,
        _ group: inout ThrowingDiscardingTaskGroup<any Error>
    ) async throws {
        if await isDone(number, unit) { return }
        switch images.judge(listed) {
        case .failure(let row): try await put(.leftOut(row), number, unit)
        case .success(let row):
            try await gate.enter()
            let ticket = RowTicket(gate, unit.progress)
            if case .bytes(let bytes) = row.location { ticket.hold(bytes.count) }
            group.addTask { await work(row, listed.url, number, unit, ticket) }
        }
    }

    /// Whether a former lease has done the row, as far as this stage goes.
    private func isDone(_ number: Int, _ unit: UnitInFlight) async -> Bool {
        switch await unit.spool.state(of: number) {
        case .open: return false
        case .leftOut(_, let reason): unit.rowIsDone(reason)
        case .encoded where desk != nil: desk?.add(number, of: unit)
        case .encoded, .captioned: unit.rowIsDone(nil)
        }
        return true
    }

    private func work(
        _ row: SourceRow, _ url: String, _ number: Int, _ unit: UnitInFlight, _ ticket: RowTicket
    ) async {
        defer { ticket.leave() }
        do {
            let prepared = try await images.run(row, url: url, ticket)
            try Task.checkCancellation()  // a fetch that was cancelled failed for no fault of its row
            try await put(prepared, number, unit)
        } catch is CancellationError {
            // Whoever cancelled the unit knows why.
        } catch {
            unit.fail(error)
        }
    }

    private func put(_ row: PreparedRow, _ number: Int, _ unit: UnitInFlight) async throws {
        try await disk.retrying {
            switch row {
            case .encoded(let row): try await unit.spool.add(row, number: number)
            case .leftOut(let row): try await unit.spool.add(row, number: number)
            }
        }
        switch row {
        case .leftOut(let row): unit.rowIsDone(row.rejection.reason)
        case .encoded where desk != nil: desk?.add(number, of: unit)
        case .encoded: unit.rowIsDone(nil)
        }
    }
}
