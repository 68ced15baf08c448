import Foundation
import GRDB
import Locks
import Samples
import Testing

@testable import Coordination

@Suite struct SQLiteJobStoreTests {
    @Test("what was acknowledged survives: the log is synced with each transaction")
    func durability() async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteJobStore(path: "\(folder)/build.sqlite")
            #expect(try store.read("look") { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)  // FULL
            #expect(try store.read("look") { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        }
    }

    @Test("only one build at a time has the store; a reader may look at it meanwhile")
    func locking() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/build.sqlite"
            var store: SQLiteJobStore? = try SQLiteJobStore(path: path)
            try store?.plan(units: [3])
            let error = #expect(throws: CoordinationError.self) { try SQLiteJobStore(path: path) }
            #expect(error?.code == .locked)
            let reader = try SQLiteJobStore(reading: path)
            #expect(try reader.status().total.units == 3)
            try store?.recordPublished(try #require(try store?.lease()), someResult(), asDraft: false)
            #expect(try reader.status().total.publishedUnits == 1)
            store = nil
            #expect(try SQLiteJobStore(path: path).openUnitCount() == 2)
            #expect(try SQLiteJobStore(reading: path).status().total.publishedUnits == 1)
        }
    }

    @Test("a file that is no store, or of a later version, is named")
    func foreignFiles() async throws {
        try await withTemporaryFolder { folder in
            let missing = #expect(throws: CoordinationError.self) { try SQLiteJobStore(reading: "\(folder)/none") }
            #expect(missing?.code == .store)
            try Data("this is no database, but long enough to be taken for one".utf8).write(
                to: URL(fileURLWithPath: "\(folder)/text"))
            let text = #expect(throws: CoordinationError.self) { try SQLiteJobStore(path: "\(folder)/text") }
            #expect(text?.code == .store && text?.subject == "\(folder)/text")
            let path = "\(folder)/build.sqlite"
            do {
                let queue = try DatabaseQueue(path: path)
                try storeMigrator.migrate(queue)
                try queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: from the future')") }
            }
            let newer = #expect(throws: CoordinationError.self) { try SQLiteJobStore(path: path) }
            #expect(newer?.code == .newerSchema)
        }
    }

    @Test("the next unit, its neighbours and the failed ones are found by index, however many units there are")
    func queryPlans() async throws {
        try await withTemporaryFolder { folder in
            let store = try SQLiteJobStore(path: "\(folder)/build.sqlite")
            let queries = [
                ("state = 'planned' ORDER BY failures, id LIMIT 1", "unit_planned"),
                ("state = 'planned' AND failures = 0 ORDER BY failures, id LIMIT 1", "unit_planned"),
                ("state = 'failed' AND unit.id > 5 ORDER BY unit.id LIMIT 9", "unit_failed"),
            ]
            for (condition, index) in queries {
                let plan = try store.queryPlan(unitQuery(condition))
                #expect(plan.contains { $0.contains("INDEX \(index)") }, "\(condition): \(plan)")
                #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
            }
        }
    }

    @Test("killed at any statement, the store opens again with everything acknowledged and nothing half done")
    func killedAtAnyStatement() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/build.sqlite"
            let camera = Camera(path: path, folder: "\(folder)/snapshots")
            let store = try SQLiteJobStore(path: path) { db in db.trace { _ in camera.shoot() } }
            try history(of: store) { camera.acknowledge($0) }
            let snapshots = camera.snapshots
            #expect(snapshots.count > 60)
            for snapshot in snapshots {
                try check(snapshot)
                await Task.yield()  // other tests want the thread too
            }
        }
    }

    /// A small build, step by step; `acknowledge` is told what is promised after each.
    private func history(of store: SQLiteJobStore, acknowledge: (Promise) -> Void) throws {
        var promise = Promise()
        try store.plan(units: [3, 2])
        promise.isPlanned = true
        acknowledge(promise)
        for unit in 0..<5 {
            let lease = try store.lease()
            promise.generations[lease.unit, default: 0] += 1
            acknowledge(promise)
            if unit == 1 {
                try store.recordFailure(lease, message: "disk full", isFinal: true)
                promise.failed.insert(lease.unit)
            } else if unit == 2 {
                try store.recordRelease(lease)
            } else {
                try store.recordPublished(
                    lease, someResult(UInt8(unit), rejections: ["timeout": 2, "too_small": 1]), asDraft: false)
                promise.published.insert(lease.unit)
            }
            acknowledge(promise)
        }
        try store.releaseAll()
        try store.retryFailed()
        promise.failed = []
        acknowledge(promise)
    }

    private func check(_ snapshot: Camera.Snapshot) throws {
        let promise = snapshot.promise
        if promise.isPlanned {  // a person looks before anybody resumes
            let seen = try SQLiteJobStore(reading: snapshot.path).status()
            #expect(seen.total.publishedUnits >= promise.published.count)
        }
        let store = try SQLiteJobStore(path: snapshot.path)
        guard try store.isPlanned() else {
            #expect(!promise.isPlanned)
            try store.plan(units: [3, 2])
            #expect(try store.openUnitCount() == 5)
            return
        }
        try store.checkSums()
        let published = Set(try store.published(after: -1, limit: 100).map(\.unit.id))
        #expect(published.isSuperset(of: promise.published) && published.count <= promise.published.count + 1)
        for (unit, generation) in promise.generations {
            #expect(try store.generation(of: unit) >= generation, "a generation was handed out twice")
        }
        // The build goes on to its end from here.
        let coordinated = try Bench(store)
        #expect(try coordinated.store.status().total.leasedUnits == 0)
        try store.retryFailed()
        while try store.nextUnit(fresh: false) != nil {
            try store.recordPublished(try store.lease(), someResult(), asDraft: false)
        }
        #expect(try store.status().phase == .finished)
        #expect(try store.status().total.publishedRows == 50)
        try store.checkSums()
    }
}

/// What the store has acknowledged so far.
private struct Promise {
    var isPlanned = false
    var generations: [Int: Int] = [:]
    var published: Set<Int> = []
    var failed: Set<Int> = []
}

/// Copies the files of a store as a kill at this moment would leave them.
private final class Camera: Sendable {
    struct Snapshot {
        let path: String
        let promise: Promise
    }

    private let path: String
    private let folder: String
    private let content = Locked<(promise: Promise, snapshots: [Snapshot])>((Promise(), []))
    var snapshots: [Snapshot] { content.withLock { $0.snapshots } }

    init(path: String, folder: String) {
        self.path = path
        self.folder = folder
    }

    func acknowledge(_ promise: Promise) { content.withLock { $0.promise = promise } }

    func shoot() {
        content.withLock { content in
            let place = "\(folder)/\(content.snapshots.count)"
            do {
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
                    try FileManager.default.copyItem(atPath: path + suffix, toPath: "\(place)/build.sqlite\(suffix)")
                }
                content.snapshots.append(Snapshot(path: "\(place)/build.sqlite", promise: content.promise))
            } catch {
                Issue.record(error)
            }
        }
    }
}

extension SQLiteJobStore {
    fileprivate func queryPlan(_ query: String) throws -> [String] {
        try read("look") { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + query).map { $0["detail"] as String }
        }
    }

    fileprivate func generation(of unit: Int) throws -> Int {
        try read("look") {
            try Int.fetchOne($0, sql: "SELECT generation FROM unit WHERE id = ?", arguments: [unit]) ?? 0
        }
    }

    /// The running sums equal what counting the units gives.
    fileprivate func checkSums() throws {
        let counted = try read("look") { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT position, count(unit.id) AS units, sum(row_count_of) AS rows,
                        sum(state = 'published') AS published, sum(state = 'failed') AS failed,
                        sum(state = 'leased') AS leased, count(shard.unit) AS shards
                    FROM source LEFT JOIN (SELECT *, row_count AS row_count_of FROM unit) unit ON source = position
                        LEFT JOIN shard ON shard.unit = unit.id
                    GROUP BY position ORDER BY position
                    """)
        }
        let sources = try status().sources
        #expect(sources.map(\.units) == counted.map { $0["units"] })
        #expect(sources.map(\.rows) == counted.map { $0["rows"] })
        #expect(sources.map(\.publishedUnits) == counted.map { $0["published"] })
        #expect(sources.map(\.publishedUnits) == counted.map { $0["shards"] })
        #expect(sources.map(\.failedUnits) == counted.map { $0["failed"] })
        #expect(sources.map(\.leasedUnits) == counted.map { $0["leased"] })
        for source in sources {
            #expect(source.samples + source.rejections.values.reduce(0, +) == source.publishedRows)
        }
        let published = try published(after: -1, limit: 100)
        #expect(try status().total.samples == published.reduce(0) { $0 + $1.result.samples })
    }
}
