import Foundation

/// What workers last told of themselves, as a pure value; nothing here is worth a disk write on its own.
struct WorkerBoard: Sendable {
    private struct Entry: Sendable {
        var report: WorkerReport
        var seen: Date
        var window = RateWindow()
    }

    /// A worker that has not been heard of for so long is forgotten, which bounds the board.
    static let memory: Duration = .seconds(3600)

    private var entries: [String: Entry] = [:]

    /// Takes in `report`, which came at `now`.
    mutating func note(_ report: WorkerReport, seen: Date, now: Duration) {
        var entry = entries[report.worker] ?? Entry(report: report, seen: seen)
        if report.counts.rows < entry.report.counts.rows { entry.window = RateWindow() }  // it was started again
        entry.report = report
        entry.seen = seen
        entry.window.add(report.counts.rows, at: now)
        entries[report.worker] = entry
        entries = entries.filter { now - ($0.value.window.last ?? now) < Self.memory }
    }

    /// Forgets a worker that has ended.
    mutating func remove(_ worker: String) { entries[worker] = nil }

    /// Rows that the holder of `lease` has done.
    func rows(of lease: Lease) -> Int {
        entries[lease.worker]?.report.units.first { $0.lease == lease }?.rows ?? 0
    }

    /// Who was heard of, by name.
    func sightings(now: Duration) -> [WorkerSighting] {
        entries.values.sorted { $0.report.worker < $1.report.worker }.map { entry in
            WorkerSighting(
                name: entry.report.worker, seen: entry.seen, counts: entry.report.counts,
                rowsPerSecond: entry.window.rate(at: now))
        }
    }
}

/// A growing number seen now and then, and how fast it grew over the last minute.
struct RateWindow: Sendable {
    private static let span: Duration = .seconds(60)
    private static let pointLimit = 64
    private var points: [(time: Duration, value: Int)] = []

    /// When the number was last seen.
    var last: Duration? { points.last?.time }

    /// Takes in that the number was `value` at `time`.
    mutating func add(_ value: Int, at time: Duration) {
        points.append((time, value))
        // One point before the span stays, so that the rate covers the whole of it.
        while points.count > 2, points[1].time <= time - Self.span || points.count > Self.pointLimit {
            points.removeFirst()
        }
    }

    /// How much it grew a second; 0 with fewer than two points, or when the last one is older than the span.
    func rate(at now: Duration) -> Double {
        guard let first = points.first, let last = points.last, last.time > first.time, now - last.time < Self.span
        else { return 0 }
        return Double(last.value - first.value) / ((last.time - first.time) / .seconds(1))
    }
}
