import Coordination
import Foundation
import Locks
import PostgresDatabases
import Samples
import TestSupport
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

/// The stores there are.
enum StoreKind: String, CaseIterable, Sendable {
    case memory, sqlite, postgresql

    /// Those that can be tested here; without a server a test of `PostgresStoreTests` is skipped and says so.
    static let allCases: [StoreKind] = [.memory, .sqlite] + (PostgresServer.isInstalled ? [.postgresql] : [])
}

/// An empty store of each kind, and the clock that its leases expire by.
func withStore(_ kind: StoreKind, _ body: (any JobStore, ManualClock) async throws -> Void) async throws {
    let clock = ManualClock()
    switch kind {
    case .memory: try await body(MemoryJobStore(clock: clock), clock)
    case .sqlite:
        try await withTemporaryFolder { try await body(someFileStore(in: $0, clock: clock), clock) }
    case .postgresql:
        try await body(
            try SQLJobStore(someServerDatabase(schema: "coordination"), build: .random(), clock: clock), clock)
    }
}

/// An empty database on the tests' server.
func someServerDatabase(schema: String? = nil) throws -> PostgresDatabase {
    let schema = schema ?? "test_" + UUID().uuidString.prefix(12).lowercased().replacing("-", with: "_")
    return try PostgresDatabase(url: try PostgresServer.shared.get().url, schema: schema)
}

/// The store in the folder `folder`, which is made when it is not there.
func someFileStore(
    in folder: String, clock: some Clock<Duration> = ManualClock(), watch: (@Sendable (String) -> Void)? = nil
) throws -> SQLJobStore {
    try SQLJobStore(path: "\(folder)/build.sqlite", idPath: "\(folder)/build-id", clock: clock, watch: watch)
}

extension JobStore {
    /// Plans sources of the given numbers of units, named `a`, `b`, and so on.
    func plan(units: [Int]) throws {
        let names = ["a", "b", "c", "d"]
        let sources = zip(names, units).map { someSource($0, units: $1) }
        #expect(try Planner(store: self, batchCount: 3).plan(someBuild(), sources: sources) == .planned)
    }

    /// Unit `index` of the source `a`.
    func unit(_ index: Int) -> UnitID { UnitID(build: id, source: "a", index: index) }

    /// Decisions in a transaction of their own.
    func decide<Value>(
        failureLimit: Int = 3, _ body: (any LeaseTransaction) throws -> Value
    ) throws -> Value {
        var policy = LeasePolicy()
        policy.failureLimit = failureLimit
        policy.unitsPerWorker = 4
        return try transact(under: policy) { leases throws(CoordinationError) in
            do {
                return try body(leases)
            } catch let error as CoordinationError {
                throw error
            } catch {
                throw CoordinationError(.store, "test", "\(error)")
            }
        }
    }

    /// What `worker` is granted.
    func acquire(
        _ worker: String = "w", _ incarnation: String = "1", request: String = UUID().uuidString, limit: Int = 1
    ) throws -> [LeaseGrant] {
        let request = LeaseRequest(worker: worker, incarnation: incarnation, name: request, limit: limit)
        let acquired = try decide { leases in try leases.acquire(request) }
        guard case .granted(let grants) = acquired else { return [] }
        return grants
    }

    /// Leases the next unit to a worker of its own, so that it may be one that failed before.
    func lease(to worker: String = UUID().uuidString) throws -> Lease { try #require(try acquire(worker).first).lease }

    /// Publishes what a leased unit became.
    @discardableResult
    func publish(_ lease: Lease, _ result: UnitResult = someResult(), asDraft isDraft: Bool = false) throws
        -> PublishStart
    {
        try decide { leases in
            let start = try leases.beginPublish(lease, result)
            if case .begun = start { _ = try leases.commitPublish(lease, result, asDraft: isDraft) }
            return start
        }
    }

    func renew(_ lease: Lease) throws -> LeaseStanding {
        try decide { leases in try leases.renew(lease) }
    }

    /// Counts a failure of a leased unit.
    @discardableResult
    func fail(_ lease: Lease, _ message: String = "failed", limit: Int = 3) throws -> CountedFailure? {
        try decide(failureLimit: limit) { leases in try leases.fail(lease, message: message) }
    }
}

extension LeaseAnswer {
    var grant: LeaseGrant? {
        if case .granted(let grants) = self { grants.first } else { nil }
    }
}

extension LeaseTransaction {
    /// Begins a publication under a name that may not be free.
    func beginPublish(_ lease: Lease, _ result: UnitResult) throws(CoordinationError) -> PublishStart {
        try beginPublish(lease, result, owning: false)
    }

    /// Records that the files of `lease`, made of `someResult`, are in place.
    func commitPublish(_ lease: Lease, asDraft isDraft: Bool) throws(CoordinationError) -> LeaseStanding {
        try commitPublish(lease, someResult(), asDraft: isDraft)
    }
}
