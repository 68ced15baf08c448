import Foundation
import GRDB
import Locks

/// A database in one file, for one process that writes and any number that read.
///
/// Write-ahead log with `synchronous = FULL`: a transaction that returned survives a power cut, one that was cut short never happened.
/// Readers see the last committed state and neither wait for the writer nor hold it up.
package final class SQLiteDatabase: SQLDatabase {
    /// How long a transaction waits for another process.
    private static let patience: TimeInterval = 30
    /// Connections that read beside the one that writes.
    private static let readers = 2

    private let path: String
    private let connections: any DatabaseWriter
    private let isReadOnly: Bool
    private let statements = StatementTexts()

    /// Opens the file `path`, which is made with its folder when it is not there.
    ///
    /// `watch` is told every statement before it runs, which is how tests look at each step. Throws `DatabaseError`.
    package init(path: String, watch: (@Sendable (String) -> Void)? = nil) throws(DatabaseError) {
        self.path = path
        isReadOnly = false
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            var configuration = Configuration()
            configuration.busyMode = .timeout(Self.patience)
            configuration.maximumReaderCount = Self.readers
            if let watch {
                configuration.prepareDatabase { $0.trace { watch($0.description) } }
            }
            connections = try DatabasePool(path: path, configuration: configuration)
            // After opening, because GRDB relaxes it to NORMAL when it turns the write-ahead log on.
            try connections.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        } catch {
            throw DatabaseError(path, error)
        }
    }

    /// Opens the file `path` for reading, beside the process that may be writing it.
    ///
    /// It needs no right to write: where SQLite wants one for its index of the log, a copy is read. Throws `DatabaseError`.
    package init(reading path: String) throws(DatabaseError) {
        self.path = path
        isReadOnly = true
        do {
            do {
                connections = try Self.reader(path)
            } catch let error as GRDB.DatabaseError
                where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode)
                && FileManager.default.fileExists(atPath: path)
            {
                connections = try Self.readerOfCopy(path)
            }
        } catch {
            throw DatabaseError(path, error)
        }
    }

    private static func reader(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(patience)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        _ = try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
        return queue
    }

    private static func readerOfCopy(_ path: String) throws -> DatabaseQueue {
        let files = FileManager.default
        let folder = files.temporaryDirectory.path + "/database-" + UUID().uuidString
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // Once it is open, nobody needs the names.
        defer { try? files.removeItem(atPath: folder) }
        for suffix in ["", "-wal"] where files.fileExists(atPath: path + suffix) {
            try files.copyItem(atPath: path + suffix, toPath: folder + "/copy.sqlite" + suffix)
        }
        return try DatabaseQueue(path: folder + "/copy.sqlite")
    }

    package func read<Value>(_ body: (any SQLSession) throws -> Value) throws -> Value {
        try translated { try connections.read { try run($0, body) } }
    }

    package func write<Value>(_ body: (any SQLSession) throws -> Value) throws -> Value {
        guard !isReadOnly else { throw DatabaseError(.unexpected, path, "opened for reading") }
        return try translated { try connections.write { try run($0, body) } }
    }

    package func migrate(_ steps: [SQLMigration]) throws {
        if isReadOnly {
            try read { try $0.migrate(steps, subject: path, mayChange: false) }
        } else {
            try write { try $0.migrate(steps, subject: path, mayChange: true) }
        }
    }

    /// Runs `body` in the transaction that `database` is in.
    private func run<Value>(_ database: Database, _ body: (any SQLSession) throws -> Value) throws -> Value {
        let session = SQLiteSession(database, path, statements)
        let value = try body(session)
        if let failure = session.failure { throw failure }
        return value
    }

    /// Runs `body` with the library's errors, of beginning and committing, as this module's.
    private func translated<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as GRDB.DatabaseError { throw DatabaseError(path, error) }
    }
}

/// A transaction of `SQLiteDatabase`.
private final class SQLiteSession: SQLSession {
    let engine = SQLEngine.sqlite
    /// The first statement that failed; nothing is committed after it.
    private(set) var failure: DatabaseError?

    private let database: Database
    private let path: String
    private let statements: StatementTexts

    init(_ database: Database, _ path: String, _ statements: StatementTexts) {
        self.database = database
        self.path = path
        self.statements = statements
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws(DatabaseError) -> Int {
        try guarded {
            let before = database.totalChangesCount
            try database.cachedStatement(sql: statements.text(sql)).execute(arguments: StatementArguments(arguments))
            return database.totalChangesCount == before ? 0 : database.changesCount
        }
    }

    func execute(_ sql: String, batch: [[SQLValue]]) throws(DatabaseError) -> [Int] {
        var changed: [Int] = []
        for arguments in batch { changed.append(try execute(sql, arguments)) }
        return changed
    }

    func query(_ sql: String, _ arguments: [SQLValue]) throws(DatabaseError) -> [SQLRow] {
        try guarded {
            let statement = try database.cachedStatement(sql: statements.text(sql))
            let columns = SQLRow.Columns(statement.columnNames)
            return try Row.fetchAll(statement, arguments: StatementArguments(arguments)).map { row in
                SQLRow(columns: columns, values: try row.databaseValues.map(value))
            }
        }
    }

    func run(script: String) throws(DatabaseError) {
        try guarded { try database.execute(sql: script) }
    }

    private func value(_ value: DatabaseValue) throws(DatabaseError) -> SQLValue {
        switch value.storage {
        case .null: return .null
        case .int64(let integer): return .integer(Int(integer))
        case .double(let real): return .real(real)
        case .string(let text): return .text(text)
        case .blob: throw DatabaseError(.unexpected, path, "a result with bytes")
        }
    }

    /// Runs `body` unless a statement failed before, and remembers if it fails.
    private func guarded<Value>(_ body: () throws -> Value) throws(DatabaseError) -> Value {
        if let failure { throw failure }
        do {
            return try body()
        } catch {
            let failure = DatabaseError(path, error)
            self.failure = failure
            throw failure
        }
    }
}

extension StatementArguments {
    fileprivate init(_ values: [SQLValue]) {
        self.init(
            values.map { value in
                switch value {
                case .null: .null
                case .integer(let value): value.databaseValue
                case .real(let value): value.databaseValue
                case .text(let value): value.databaseValue
                }
            } as [DatabaseValue])
    }
}

/// The texts of statements as SQLite wants them, each made once.
private final class StatementTexts: Sendable {
    private let known = Locked<[String: String]>([:])

    func text(_ sql: String) -> String {
        if let text = known.withLock({ $0[sql] }) { return text }
        let text = withQuestionMarks(sql)
        known.withLock { $0[sql] = text }
        return text
    }
}

extension DatabaseError {
    /// `error`, of GRDB or of the system, about the file `path`.
    fileprivate init(_ path: String, _ error: any Error) {
        if let error = error as? DatabaseError {
            self = error
            return
        }
        guard let error = error as? GRDB.DatabaseError else {
            self.init(.unavailable, path, "\(error)")
            return
        }
        let code: Code =
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
            case .SQLITE_FULL: .diskFull
            case .SQLITE_CONSTRAINT: .constraint
            case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR: .damaged
            case .SQLITE_CANTOPEN: .unavailable
            case .SQLITE_PERM, .SQLITE_AUTH, .SQLITE_READONLY: .refused
            default: .unexpected
            }
        let words = error.sql?.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let statement = words.map { " in: \($0)" } ?? ""
        self.init(code, path, (error.message ?? "SQLite error \(error.extendedResultCode.rawValue)") + statement)
    }
}
