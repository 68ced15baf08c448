import Foundation
import GRDB
import Samples

/// A job store in one SQLite file beside the output, for one coordinator on one machine.
///
/// Write-ahead log with `synchronous = FULL`: a transaction that returned survives a power cut, one that was cut short
/// never happened. A lock file beside it keeps a second coordinator out; who only wants to read takes `reading`.
package final class SQLiteJobStore: JobStore {
    private let path: String
    private let queue: DatabaseQueue
    private let lock: StoreLock?

    /// Opens the store in the file `path`, which is made when it is not there, and keeps others out while it lives.
    ///
    /// Throws `locked` while another process has it, `newerSchema`, `store`.
    package convenience init(path: String) throws(CoordinationError) {
        try self.init(path: path, prepare: { _ in })
    }

    /// As `init(path:)`; `prepare` is called with each new connection, which is how tests watch every statement.
    init(path: String, prepare: @escaping @Sendable (Database) throws -> Void) throws(CoordinationError) {
        self.path = path
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            lock = try StoreLock(path + ".lock")
            var configuration = Configuration()
            configuration.label = "job store"
            configuration.journalMode = .wal
            configuration.busyMode = .timeout(30)
            configuration.prepareDatabase(prepare)
            queue = try DatabaseQueue(path: path, configuration: configuration)
            // After opening, because GRDB relaxes it to NORMAL when it turns the write-ahead log on.
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            guard try queue.read(storeMigrator.hasBeenSuperseded) == false else {
                throw CoordinationError(.newerSchema, path, "written by a later version of this software")
            }
            try storeMigrator.migrate(queue)
        } catch {
            throw storeError(path, "open", error)
        }
    }

    /// Opens the store in the file `path` for reading, beside the coordinator that may be writing it.
    ///
    /// It needs no right to write: where SQLite wants one for its index of the log, a copy is read.
    package init(reading path: String) throws(CoordinationError) {
        self.path = path
        lock = nil
        do {
            do {
                queue = try Self.reader(path)
            } catch let error as DatabaseError
                where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode)
                && FileManager.default.fileExists(atPath: path)
            {
                queue = try Self.readerOfCopy(path)
            }
            guard try queue.read(storeMigrator.hasBeenSuperseded) == false else {
                throw CoordinationError(.newerSchema, path, "written by a later version of this software")
            }
        } catch {
            throw storeError(path, "open", error)
        }
    }

    private static func reader(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(30)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        _ = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
        return queue
    }

    private static func readerOfCopy(_ path: String) throws -> DatabaseQueue {
        let files = FileManager.default
        let folder = files.temporaryDirectory.path + "/build-status-" + UUID().uuidString
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // Once it is open, nobody needs the names.
        defer { try? files.removeItem(atPath: folder) }
        for suffix in ["", "-wal"] where files.fileExists(atPath: path + suffix) {
            try files.copyItem(atPath: path + suffix, toPath: folder + "/build.sqlite" + suffix)
        }
        return try DatabaseQueue(path: folder + "/build.sqlite")
    }

    /// Whether a build holds the store in the file `path` now.
    package static func isHeld(_ path: String) -> Bool { StoreLock.isHeld(path + ".lock") }

    // MARK: Leases

    package func nextUnit(fresh: Bool) throws(CoordinationError) -> WaitingUnit? {
        try read("find a unit") { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT \(unitColumns) FROM unit JOIN source ON position = source
                    WHERE state = 'planned' \(fresh ? "AND failures = 0" : "") ORDER BY failures, id LIMIT 1
                    """)
            return row.map {
                WaitingUnit(unit: workUnit($0), generation: $0["generation"], failures: $0["failures"])
            }
        }
    }

    package func openUnitCount() throws(CoordinationError) -> Int {
        try read("count units") { db in
            try Int.fetchOne(db, sql: "SELECT sum(units - published_units - failed_units) FROM source") ?? 0
        }
    }

    package func recordLease(_ lease: Lease) throws(CoordinationError) {
        try write("lease a unit") { db in
            try change(
                lease, db,
                sql: """
                    UPDATE unit SET state = 'leased', generation = generation + 1, worker = :worker
                    WHERE id = :unit AND state = 'planned' AND generation = :generation - 1
                    """)
        }
    }

    package func recordRelease(_ lease: Lease) throws(CoordinationError) {
        try write("release a unit") { db in
            try change(lease, db, sql: "UPDATE unit SET state = 'planned', worker = NULL WHERE \(isHeld)")
        }
    }

    package func recordFailure(_ lease: Lease, message: String, isFinal: Bool) throws(CoordinationError) {
        try write("record a failure") { db in
            try change(
                lease, db,
                sql: """
                    UPDATE unit SET state = :state, failures = failures + 1, last_error = :message, worker = NULL
                    WHERE \(isHeld)
                    """,
                ["state": isFinal ? "failed" : "planned", "message": message])
            guard isFinal else { return }
            try db.execute(
                sql: """
                    UPDATE source SET failed_units = failed_units + 1
                    WHERE position = (SELECT source FROM unit WHERE id = ?)
                    """, arguments: [lease.unit])
        }
    }

    package func recordPublished(_ lease: Lease, _ result: UnitResult, asDraft: Bool) throws(CoordinationError) {
        try write("record a shard") { db in
            try change(lease, db, sql: "UPDATE unit SET state = 'published', worker = NULL WHERE \(isHeld)")
            guard let row = try Row.fetchOne(db, sql: unitQuery("unit.id = ?"), arguments: [lease.unit]) else {
                throw CoordinationError(.conflict, "unit \(lease.unit)", "not in the store")
            }
            let source: Int = row["source"]
            try db.execute(
                sql: "INSERT INTO shard (unit, name, generation, result, is_draft) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    lease.unit, workUnit(row).shardName, lease.generation,
                    String(decoding: try encodeJSON(result), as: UTF8.self), asDraft,
                ])
            try db.execute(
                sql: """
                    UPDATE source SET published_units = published_units + 1, draft_units = draft_units + ?,
                        published_rows = published_rows + ?, samples = samples + ?, byte_count = byte_count + ?
                    WHERE position = ?
                    """, arguments: [asDraft ? 1 : 0, result.rows, result.samples, result.byteCount, source])
            try count(result.rejections, of: source, db)
        }
    }

    package func recordFinal(unit: Int, _ result: UnitResult) throws(CoordinationError) {
        try write("record a final shard") { db in
            let query = shardQuery("shard.unit = ? AND is_draft = 1")
            guard let row = try Row.fetchOne(db, sql: query, arguments: [unit]) else {
                throw CoordinationError(.conflict, "unit \(unit)", "no draft")
            }
            let draft = try publishedUnit(row)
            if let fault = result.fault(for: draft.unit) {
                throw CoordinationError(.badResult, draft.unit.shardName, fault)
            }
            try db.execute(
                sql: "UPDATE shard SET result = ?, is_draft = 0 WHERE unit = ?",
                arguments: [String(decoding: try encodeJSON(result), as: UTF8.self), unit])
            let source: Int = row["source"]
            try db.execute(
                sql: """
                    UPDATE source SET draft_units = draft_units - 1, samples = samples + ?, byte_count = byte_count + ?
                    WHERE position = ?
                    """,
                arguments: [
                    result.samples - draft.result.samples, result.byteCount - draft.result.byteCount, source,
                ])
            try count(draft.result.rejections.mapValues { -$0 }, of: source, db)
            try count(result.rejections, of: source, db)
            try db.execute(sql: "DELETE FROM source_rejection WHERE row_count = 0")
        }
    }

    /// Adds to the running sums of a source.
    func count(_ rejections: [String: Int], of source: Int, _ db: Database) throws {
        for (reason, rows) in rejections.sorted(by: { $0.key < $1.key }) {
            try db.execute(
                sql: """
                    INSERT INTO source_rejection VALUES (?, ?, ?)
                    ON CONFLICT DO UPDATE SET row_count = row_count + excluded.row_count
                    """, arguments: [source, reason, rows])
        }
    }

    package func releaseAll() throws(CoordinationError) {
        try write("release all units") { db in
            try db.execute(sql: "UPDATE unit SET state = 'planned', worker = NULL WHERE state = 'leased'")
            try db.execute(sql: "UPDATE source SET rows_in_flight = 0, rows_per_second = 0")
        }
    }

    package func retryFailed() throws(CoordinationError) {
        try write("retry failed units") { db in
            try db.execute(sql: "UPDATE unit SET state = 'planned', failures = 0 WHERE state = 'failed'")
            try db.execute(sql: "UPDATE source SET failed_units = 0")
        }
    }

    package func failures(of unit: Int) throws(CoordinationError) -> Int {
        try read("read a unit") { db in
            try Int.fetchOne(db, sql: "SELECT failures FROM unit WHERE id = ?", arguments: [unit]) ?? 0
        }
    }

    /// The condition of every write under a lease.
    private var isHeld: String {
        "id = :unit AND state = 'leased' AND worker = :worker AND generation = :generation"
    }

    /// Changes the one unit that `lease` is for; a condition that does not hold is a `conflict`.
    private func change(_ lease: Lease, _ db: Database, sql: String, _ more: StatementArguments = [:]) throws {
        let arguments: StatementArguments = [
            "unit": lease.unit, "worker": lease.worker, "generation": lease.generation,
        ]
        try db.execute(sql: sql, arguments: arguments &+ more)
        guard db.changesCount == 1 else {
            throw CoordinationError(
                .conflict, "unit \(lease.unit)", "not under generation \(lease.generation) of \(lease.worker)")
        }
    }

    // MARK: Reading

    package func published(unit: Int) throws(CoordinationError) -> PublishedUnit? {
        try read("read a shard") { db in
            try Row.fetchOne(db, sql: shardQuery("shard.unit = ?"), arguments: [unit]).map(publishedUnit)
        }
    }

    package func published(after id: Int, limit: Int) throws(CoordinationError) -> [PublishedUnit] {
        try read("list shards") { db in
            let query = shardQuery("shard.unit > ? ORDER BY shard.unit LIMIT ?")
            return try Row.fetchAll(db, sql: query, arguments: [id, limit]).map(publishedUnit)
        }
    }

    package func failed(after id: Int, limit: Int) throws(CoordinationError) -> [FailedUnit] {
        try read("list failed units") { try failedUnits($0, after: id, limit: limit) }
    }

    package func recordSightings(
        _ sightings: [WorkerSighting], progress: [String: SourceProgress]
    ) throws(CoordinationError) {
        try write("record workers") { db in
            for (source, progress) in progress {
                try db.execute(
                    sql: "UPDATE source SET rows_in_flight = ?, rows_per_second = ? WHERE name = ?",
                    arguments: [progress.rowsInFlight, progress.rowsPerSecond, source])
            }
            try db.execute(sql: "DELETE FROM worker")
            for sighting in sightings {
                try db.execute(
                    sql: "INSERT INTO worker VALUES (?, ?)",
                    arguments: [sighting.name, String(decoding: try encodeJSON(sighting), as: UTF8.self)])
            }
        }
    }

    package func status() throws(CoordinationError) -> BuildStatus {
        try read("read the status", readStatus)
    }

    // MARK: Errors

    func read<Value>(
        _ operation: String, _ body: (Database) throws -> Value
    ) throws(CoordinationError) -> Value {
        do { return try queue.read(body) } catch { throw storeError(path, operation, error) }
    }

    func write<Value>(
        _ operation: String, _ body: (Database) throws -> Value
    ) throws(CoordinationError) -> Value {
        do { return try queue.write(body) } catch { throw storeError(path, operation, error) }
    }
}

/// `error` as this module's own: what went wrong with `path` when doing `operation`.
private func storeError(_ path: String, _ operation: String, _ error: any Error) -> CoordinationError {
    if let error = error as? CoordinationError { return error }
    let isFull = (error as? DatabaseError)?.resultCode == .SQLITE_FULL
    return CoordinationError(.store, path, "cannot \(operation): \(error)", number: isFull ? ENOSPC : 0)
}
