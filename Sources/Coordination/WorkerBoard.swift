import Foundation

/// What workers last told of themselves, as a pure value; nothing here is worth a disk write on its own.
struct WorkerBoard: Sendable {
    private struct Entry: Sendable {
        var counts = WorkerCounts()
        var units: [WorkerReport.Progress] = []
        var node: String?
        /// For people.
        var seen: Date
        var heard: Duration
        var window = RateWindow()
        var lostLease = false
        /// Whether it was told that nothing is left to do.
        var wasTold = false
    }

    /// A worker that has not been heard of for so long is forgotten, which bounds the board.
    static let memory: Duration = .seconds(3600)

    private var entries: [String: Entry] = [:]
    /// Workers whose process ended, and that were told that there is work left, with the time.
    private var expected: [String: Duration] = [:]
    /// When those were last forgotten that were not heard of.
    private var cleared: Duration = .zero

    /// Notes that `worker`, on `node` where that is known, was heard of at `now`.
    mutating func touch(_ worker: String, on node: String?, seen: Date, now: Duration) {
        entries[worker, default: Entry(seen: seen, heard: now)].seen = seen
        entries[worker]?.heard = now
        if let node { entries[worker]?.node = node }
    }

    /// The workers that were last heard of on `node`, by name.
    func workers(on node: String) -> [String] { entries.filter { $0.value.node == node }.keys.sorted() }

    /// Takes in `report`, which came at `now`.
    mutating func note(_ report: WorkerReport, seen: Date, now: Duration) {
        var entry = entries[report.worker] ?? Entry(seen: seen, heard: now)
        if report.counts.rows < entry.counts.rows { entry.window = RateWindow() }  // it was started again
        (entry.counts, entry.units, entry.seen, entry.heard) = (report.counts, report.units, seen, now)
        if let node = report.node { entry.node = node }
        entry.window.add(report.counts.rows, at: now)
        entries[report.worker] = entry
        guard now - cleared > Self.memory / 10 else { return }
        cleared = now
        entries = entries.filter { now - $0.value.heard < Self.memory }
    }

    /// Notes that `lease` was not renewed in time.
    mutating func noteExpired(_ lease: Lease) {
        entries[lease.worker]?.lostLease = true
        remove(lease)
    }

    /// Notes that nobody works under `lease` any more.
    mutating func remove(_ lease: Lease) { entries[lease.worker]?.units.removeAll { $0.lease == lease } }

    /// Whether `worker` lost a lease because it did not renew it.
    func hasLostLease(_ worker: String) -> Bool { entries[worker]?.lostLease ?? false }

    /// Notes that `worker` was told that nothing is left to do.
    mutating func noteTold(_ worker: String) {
        entries[worker]?.wasTold = true
        expected[worker] = nil
    }

    /// Notes that `worker`, whose process has ended, is to be started again.
    mutating func noteExpected(_ worker: String, at now: Duration) { expected[worker] = now }

    /// Whether a worker that was heard of since `earliest`, or is to be started again since then, was not told so.
    func hasUntold(heardSince earliest: Duration) -> Bool {
        entries.values.contains { !$0.wasTold && $0.heard >= earliest } || expected.values.contains { $0 >= earliest }
    }

    /// Forgets a worker that has ended; false when it was never heard of.
    mutating func remove(_ worker: String) -> Bool { entries.removeValue(forKey: worker) != nil }

    /// Rows done in the units that are being worked on, by source.
    var rowsInFlight: [String: Int] {
        entries.values.flatMap(\.units).reduce(into: [:]) { $0[$1.lease.unit.source, default: 0] += $1.rows }
    }

    /// Who was heard of, by name.
    func sightings(now: Duration) -> [WorkerSighting] {
        entries.sorted { $0.key < $1.key }.map { name, entry in
            WorkerSighting(
                name: name, seen: entry.seen, counts: entry.counts, rowsPerSecond: entry.window.rate(at: now))
        }
    }
}

/// A growing number seen now and then, and how fast it grew over the last minute.
struct RateWindow: Sendable {
    private static let span: Duration = .seconds(60)
    private static let pointLimit = 64
    private var points: [(time: Duration, value: Int)] = []

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
