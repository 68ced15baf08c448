import Databases
import Foundation
import Locks
import Samples
import Testing

@testable import Coordination

/// What a job store in a file beside the output promises.
@Suite struct FileStoreTests {
    @Test("only one build at a time has the store; a reader may look at it meanwhile")
    func locking() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/build.sqlite"
            var store: SQLJobStore? = try someFileStore(in: folder)
            try store?.plan(units: [3])
            let error = #expect(throws: CoordinationError.self) { try someFileStore(in: folder) }
            #expect(error?.code == .locked && SQLJobStore.isHeld(path))
            let reader = try SQLJobStore(reading: path, idPath: "\(folder)/build-id")
            #expect(try reader.status().total.units == 3)
            _ = try store?.publish(try #require(try store?.lease()))
            #expect(try reader.status().total.publishedUnits == 1)
            let id = store?.id
            store = nil
            #expect(!SQLJobStore.isHeld(path))
            let next = try someFileStore(in: folder)
            #expect(try next.openUnitCount() == 2 && next.id == id)
        }
    }

    @Test("a file that is no store, or of another version, is named, with what to do")
    func foreignFiles() async throws {
        try await withTemporaryFolder { folder in
            let (path, idPath) = ("\(folder)/build.sqlite", "\(folder)/build-id")
            func opening(_ code: CoordinationError.Code, _ place: SourceLocation = #_sourceLocation) -> String? {
                let texts = [
                    #expect(throws: CoordinationError.self, sourceLocation: place) { try someFileStore(in: folder) },
                    #expect(throws: CoordinationError.self, sourceLocation: place) {
                        try SQLJobStore(reading: path, idPath: idPath)
                    },
                ]
                for error in texts {
                    #expect(error?.code == code, "\(String(describing: error))", sourceLocation: place)
                }
                return texts[0]?.text
            }
            #expect(throws: CoordinationError.self) { try SQLJobStore(reading: path, idPath: idPath) }
            try Data("this is no database, but long enough to be taken for one".utf8).write(
                to: URL(fileURLWithPath: path))
            _ = opening(.store)
            try FileManager.default.removeItem(atPath: path)
            do {
                let database = try SQLiteDatabase(path: path)
                _ = try database.write { try $0.execute("CREATE TABLE grdb_migrations (identifier TEXT)") }
            }
            #expect(opening(.olderSchema)?.contains("finish the build with that version") == true)
            try FileManager.default.removeItem(atPath: path)
            try await close(try someFileStore(in: folder))
            let id = try Data(contentsOf: URL(fileURLWithPath: idPath))
            try FileManager.default.removeItem(atPath: idPath)
            #expect(opening(.olderSchema)?.contains("of an earlier version") == true)
            try Data("0123".utf8).write(to: URL(fileURLWithPath: idPath))
            _ = opening(.store)
            try id.write(to: URL(fileURLWithPath: idPath))
            _ = try SQLiteDatabase(path: path).write {
                try $0.execute("INSERT INTO schema_migration (number, name) VALUES (99, 'from the future')")
            }
            _ = opening(.newerSchema)
        }
    }

    private func close(_ store: SQLJobStore) async throws { #expect(try !store.isPlanned()) }

    @Test("killed at any statement, the store opens again with everything acknowledged and nothing half done")
    func killedAtAnyStatement() async throws {
        try await withTemporaryFolder { folder in
            let camera = Camera(folder: folder, snapshots: "\(folder)/snapshots")
            let store = try someFileStore(in: folder) { _ in camera.shoot() }
            try history(of: store) { camera.acknowledge($0) }
            let snapshots = camera.snapshots
            #expect(snapshots.count > 60)
            for snapshot in snapshots {
                try await check(snapshot)
                await Task.yield()  // other tests want the thread too
            }
        }
    }

    /// A small build, step by step; `acknowledge` is told what is promised after each.
    private func history(of store: SQLJobStore, acknowledge: (Promise) -> Void) throws {
        var promise = Promise()
        try store.plan(units: [3, 2])
        promise.isPlanned = true
        acknowledge(promise)
        for unit in 0..<5 {
            let lease = try store.lease()
            promise.generations[lease.unit, default: 0] += 1
            acknowledge(promise)
            if unit == 1 {
                try store.fail(lease, "disk full", limit: 1)
                promise.failed.insert(lease.unit)
            } else if unit == 2 {
                _ = try store.decide { leases throws in try leases.release(lease) }
            } else {
                try store.publish(lease, someResult(UInt8(unit), rejections: ["timeout": 2, "too_small": 1]))
                promise.published.insert(lease.unit)
            }
            acknowledge(promise)
        }
        try store.decide { leases throws in try leases.releaseAll() }
        try store.retryFailed()
        promise.failed = []
        acknowledge(promise)
    }

    private func check(_ snapshot: Camera.Snapshot) async throws {
        let promise = snapshot.promise
        if promise.isPlanned {  // a person looks before anybody resumes
            let seen = try SQLJobStore(
                reading: "\(snapshot.folder)/build.sqlite", idPath: "\(snapshot.folder)/build-id"
            ).status()
            #expect(seen.total.publishedUnits >= promise.published.count)
        }
        let store = try someFileStore(in: snapshot.folder)
        guard try store.isPlanned() else {
            #expect(!promise.isPlanned)
            try store.plan(units: [3, 2])
            #expect(try store.openUnitCount() == 5)
            return
        }
        try store.checkSums()
        let published = Set(try store.published(after: nil, limit: 100).map { store.id(of: $0.unit) })
        #expect(published.isSuperset(of: promise.published) && published.count <= promise.published.count + 1)
        for (unit, generation) in promise.generations {
            #expect(try store.generation(of: unit) >= generation, "a generation was handed out twice")
        }
        // The build goes on to its end from here.
        let bench = try await Bench(store, clock: ManualClock(), .released)
        #expect(try bench.store.status().total.leasedUnits == 0)
        try store.retryFailed()
        while let grant = try store.acquire(UUID().uuidString).first { try store.publish(grant.lease) }
        #expect(try store.status().phase == .finished)
        #expect(try store.status().total.publishedRows == 50)
        try store.checkSums()
    }
}

/// What the store has acknowledged so far.
private struct Promise {
    var isPlanned = false
    var generations: [UnitID: Int] = [:]
    var published: Set<UnitID> = []
    var failed: Set<UnitID> = []
}

/// Copies the files of a store as a kill at this moment would leave them.
private final class Camera: Sendable {
    struct Snapshot {
        let folder: String
        let promise: Promise
    }

    private let folder: String
    private let place: String
    private let content = Locked<(promise: Promise, snapshots: [Snapshot])>((Promise(), []))
    var snapshots: [Snapshot] { content.withLock { $0.snapshots } }

    init(folder: String, snapshots: String) { (self.folder, place) = (folder, snapshots) }

    func acknowledge(_ promise: Promise) { content.withLock { $0.promise = promise } }

    func shoot() {
        content.withLock { content in
            let copy = "\(place)/\(content.snapshots.count)"
            do {
                try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
                for name in ["build-id", "build.sqlite", "build.sqlite-wal"]
                where FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
                    try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(copy)/\(name)")
                }
                content.snapshots.append(Snapshot(folder: copy, promise: content.promise))
            } catch {
                Issue.record(error)
            }
        }
    }
}

extension SQLJobStore {
    fileprivate func generation(of unit: UnitID) throws -> Int {
        try read("look") { session in
            guard let key = try sources(session).key(unit) else { return 0 }
            return try session.query(
                "SELECT generation FROM unit WHERE build = $1 AND source = $2 AND number = $3", key
            )
            .first?.integer("generation") ?? 0
        }
    }

    /// The running sums equal what counting the units gives.
    func checkSums() throws {
        let counted = try read("look") { session in
            try session.query(
                """
                SELECT position, count(unit.number) AS units, coalesce(sum(unit.row_count), 0) AS rows,
                    count(CASE WHEN state = 'published' THEN 1 END) AS published,
                    count(CASE WHEN state = 'failed' THEN 1 END) AS failed,
                    count(CASE WHEN state IN ('leased', 'publishing') THEN 1 END) AS leased, count(shard.number) AS shards
                FROM source LEFT JOIN unit ON unit.source = position AND unit.build = source.build
                    LEFT JOIN shard ON shard.build = unit.build AND shard.source = unit.source AND shard.number = unit.number
                WHERE source.build = $1 GROUP BY position ORDER BY position
                """, [.text(id.text)])
        }
        let sources = try status().sources
        #expect(try sources.map(\.units) == counted.map { try $0.integer("units") })
        #expect(try sources.map(\.publishedUnits) == counted.map { try $0.integer("published") })
        #expect(try sources.map(\.publishedUnits) == counted.map { try $0.integer("shards") })
        #expect(try sources.map(\.failedUnits) == counted.map { try $0.integer("failed") })
        #expect(try sources.map(\.leasedUnits) == counted.map { try $0.integer("leased") })
        for source in sources {
            #expect(source.samples + source.rejections.values.reduce(0, +) == source.publishedRows)
        }
        let published = try published(after: nil, limit: 100)
        #expect(try status().total.samples == published.reduce(0) { $0 + $1.result.samples })
    }
}
