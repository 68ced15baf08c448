package import Databases
import Foundation
import Glibc
import Locks
import Samples

/// A job store in a database: one file beside the output, or a PostgreSQL server that many builds share.
package final class SQLJobStore: JobStore {
    /// What tells when a lease expires.
    private enum Time: Sendable {
        case given(Stopwatch)
        case databases
    }

    package let id: BuildID
    let database: any SQLDatabase
    private let time: Time
    private let lock: StoreLock?
    private let ownEpoch = Locked<Int?>(nil)
    /// The number of the term in which this process leads; nil where it does not, or where a lock file says who does.
    var epoch: Int? {
        get { ownEpoch.withLock { $0 } }
        set { ownEpoch.withLock { $0 = newValue } }
    }
    /// Known once the plan is whole: then they never change.
    private let knownSources = Locked<SourceNames?>(nil)

    private init(_ database: any SQLDatabase, _ id: BuildID, _ time: Time, _ lock: StoreLock?) {
        (self.database, self.id, self.time, self.lock) = (database, id, time, lock)
    }

    // MARK: A file

    /// Opens the store in the file `path`, which is made when it is not there, and keeps others out while it lives.
    ///
    /// The name of the build stands in the file `idPath`, and is drawn where the store is new. `clock` tells when leases
    /// expire. `watch` is told every statement before it runs. Throws `locked` while another process has it, `newerSchema`,
    /// `olderSchema`, `store`.
    package convenience init(
        path: String, idPath: String, clock: some Clock<Duration> = ContinuousClock(),
        watch: (@Sendable (String) -> Void)? = nil
    ) throws(CoordinationError) {
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let lock = try StoreLock(path + ".lock")
            // Before the store: whoever is killed in between leaves a name without a store, which is as good as new.
            let new = FileManager.default.fileExists(atPath: path) ? nil : try BuildID.drawn(inFile: idPath)
            let database = try SQLiteDatabase(path: path, watch: watch)
            try database.read { try requireOwnLayout($0, path) }
            let id = try new ?? BuildID(contentsOfFile: idPath)
            try database.migrate(storeMigrations)
            self.init(database, id, .given(Stopwatch(clock)), lock)
        } catch {
            throw storeError("open", error, path)
        }
    }

    /// Opens the store in the file `path` for reading, beside the coordinator that may be writing it.
    package convenience init(reading path: String, idPath: String) throws(CoordinationError) {
        do {
            let database = try SQLiteDatabase(reading: path)
            try database.read { try requireOwnLayout($0, path) }
            let id = try BuildID(contentsOfFile: idPath)
            try database.migrate(storeMigrations)
            self.init(database, id, .given(Stopwatch(ContinuousClock())), nil)
        } catch {
            throw storeError("open", error, path)
        }
    }

    /// Whether a build holds the store in the file `path` now.
    package static func isHeld(_ path: String) -> Bool { StoreLock.isHeld(path + ".lock") }

    // MARK: A server

    /// The store of build `id` in `database`, whose clock tells when leases expire.
    ///
    /// Throws `newerSchema`, `store`.
    package convenience init(_ database: any SQLDatabase, build id: BuildID) throws(CoordinationError) {
        try self.init(database, id, .databases)
    }

    /// As `init(_:build:)`, with leases that expire by `clock`: for tests that set the time.
    package convenience init(
        _ database: any SQLDatabase, build id: BuildID, clock: some Clock<Duration>
    ) throws(CoordinationError) {
        try self.init(database, id, .given(Stopwatch(clock)))
    }

    /// The store of build `id` in `database`, for reading; nothing is made or changed there.
    package convenience init(reading database: any SQLDatabase, build id: BuildID) throws(CoordinationError) {
        do {
            try database.read { try $0.migrate(storeMigrations, subject: "job store", mayChange: false) }
        } catch {
            throw storeError("open", error)
        }
        self.init(database, id, .databases, nil)
    }

    private convenience init(_ database: any SQLDatabase, _ id: BuildID, _ time: Time) throws(CoordinationError) {
        do {
            try database.migrate(storeMigrations)
        } catch {
            throw storeError("open", error)
        }
        self.init(database, id, time, nil)
    }

    // MARK: Transactions

    package func transact<Value>(
        under policy: LeasePolicy, _ body: (any LeaseTransaction) throws(CoordinationError) -> Value
    ) throws(CoordinationError) -> Value {
        try write("change leases") { session in
            let transaction = SQLTransaction(session, policy, try sources(session), now: try now(session))
            do {
                let value = try body(transaction)
                try transaction.addSums()
                return value
            } catch {
                // The database may know how to go on after its own errors.
                throw transaction.fault ?? error
            }
        }
    }

    /// The time, in milliseconds, of the clock that leases expire by.
    func now(_ session: any SQLSession) throws -> Int {
        switch time {
        case .given(let stopwatch): return stopwatch.elapsed.milliseconds
        case .databases:
            let query = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now"
            guard let row = try session.query(query).first else {
                throw DatabaseError(.unexpected, "clock_timestamp", "no answer")
            }
            return try row.integer("now")
        }
    }

    /// The sources of the build; none before planning began.
    func sources(_ session: any SQLSession) throws -> SourceNames {
        if let known = knownSources.withLock({ $0 }) { return known }
        let key: [SQLValue] = [.text(id.text)]
        let rows = try session.query("SELECT name FROM source WHERE build = $1 ORDER BY position", key)
        let sources = SourceNames(build: id, names: try rows.map { try $0.text("name") })
        if try isPlanned(session) { knownSources.withLock { $0 = sources } }
        return sources
    }

    func isPlanned(_ session: any SQLSession) throws -> Bool {
        try session.query("SELECT is_planned FROM build WHERE id = $1", [.text(id.text)]).first?.flag("is_planned")
            ?? false
    }

    func read<Value>(
        _ operation: String, _ body: (any SQLSession) throws -> Value
    ) throws(CoordinationError) -> Value {
        do { return try database.read(body) } catch { throw storeError(operation, error) }
    }

    /// A transaction that changes something, where this process leads.
    func write<Value>(
        _ operation: String, _ body: (any SQLSession) throws -> Value
    ) throws(CoordinationError) -> Value {
        try unfenced(operation) { session in
            try fence(session)
            return try body(session)
        }
    }

    /// A transaction that changes something, whoever leads.
    func unfenced<Value>(
        _ operation: String, _ body: (any SQLSession) throws -> Value
    ) throws(CoordinationError) -> Value {
        do { return try database.write(body) } catch { throw storeError(operation, error) }
    }
}

/// Refuses the tables of versions before there were names of builds.
private func requireOwnLayout(_ session: any SQLSession, _ path: String) throws {
    guard try session.query("SELECT name FROM sqlite_master WHERE name = 'grdb_migrations'").isEmpty else {
        throw CoordinationError(
            .olderSchema, path,
            "written by an earlier version: finish the build with that version, or build into another folder")
    }
}

/// `error` as this module's own: what went wrong when doing `operation`, with `subject` where the error names none.
func storeError(_ operation: String, _ error: any Error, _ subject: String = "job store") -> CoordinationError {
    if let error = error as? CoordinationError { return error }
    guard let error = error as? DatabaseError else {
        return CoordinationError(.store, subject, "cannot \(operation): \(error)")
    }
    switch error.code {
    case .newerSchema: return CoordinationError(.newerSchema, error.subject, error.text)
    case .olderSchema: return CoordinationError(.olderSchema, error.subject, error.text)
    default:
        let isOutage = [.unavailable, .unknownOutcome, .busy, .timeout].contains(error.code)
        return CoordinationError(
            .store, error.subject, "cannot \(operation): \(error.text)", number: error.number, isOutage: isOutage)
    }
}

extension Duration {
    /// In whole milliseconds, rounded down.
    var milliseconds: Int { Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000) }
}
