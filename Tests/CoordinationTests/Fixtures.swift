import Coordination
import Foundation
import Locks
import Samples
import Testing

/// A folder that is there for one test.
func withTemporaryFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = NSTemporaryDirectory() + "coordination-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // only litter would be left
    return try await body(folder)
}

/// A clock that stands still until it is set.
final class ManualClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let offset = Locked(Duration.zero)
    var now: Instant { Instant(offset: offset.withLock { $0 }) }
    var minimumResolution: Duration { .nanoseconds(1) }
    func advance(by duration: Duration) { offset.withLock { $0 += duration } }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws { advance(by: deadline.offset - now.offset) }
}

let someDigest = ContentDigest(bytes: [UInt8](repeating: 7, count: 32))

func someBuild(_ settings: [String: String] = ["seed": "42"]) -> BuildRecord {
    BuildRecord(
        manifestDigest: someDigest, manifest: "seed: 42\n", settings: settings, softwareVersion: "1.2.3",
        created: Date(timeIntervalSince1970: 1_700_000_000))
}

/// A source of `units` units of ten rows.
func someSource(_ name: String, units: Int) -> SourcePlan {
    SourcePlan(name: name) { emit in
        for index in 0..<units { try emit(index * 10, 10, InputPosition(file: 0, offset: index * 100)) }
    }
}

/// A result that fits units of ten rows; its digest tells who made it.
func someResult(_ mark: UInt8 = 1, rejections: [String: Int] = ["http_error": 3]) -> UnitResult {
    UnitResult(
        samples: 10 - rejections.values.reduce(0, +), byteCount: 1000,
        digest: ContentDigest(bytes: [UInt8](repeating: mark, count: 32)), tableByteCount: 100, tableDigest: someDigest,
        rejections: rejections)
}

extension JobStore {
    /// Plans sources of the given numbers of units, named `a`, `b`, and so on.
    func plan(units: [Int]) throws {
        let names = ["a", "b", "c", "d"]
        let sources = zip(names, units).map { someSource($0, units: $1) }
        #expect(try Planner(store: self, batchCount: 3).plan(someBuild(), sources: sources) == .planned)
    }

    /// Leases the next unit to `worker`.
    func lease(to worker: String = "w") throws -> Lease {
        let waiting = try #require(try nextUnit(fresh: false))
        let lease = Lease(unit: waiting.unit.id, worker: worker, generation: waiting.generation + 1)
        try recordLease(lease)
        return lease
    }
}

extension LeaseAnswer {
    var grant: LeaseGrant? {
        if case .granted(let grant) = self { grant } else { nil }
    }
}
