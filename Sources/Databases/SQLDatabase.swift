/// A database that holds what must survive: SQLite in a file, or a PostgreSQL server.
///
/// Statements are written once for both engines. Parameters are `$1`, `$2` and so on; result columns are found by their names, in lower
/// case. Every statement is prepared once for each connection. Calls wait for the disk or the network: make them off the
/// shared threads, and begin no transaction within another on the same database.
package protocol SQLDatabase: Sendable {
    /// Runs `body` in a transaction that only reads and sees one state of the database.
    ///
    /// Throws what `body` throws, and `DatabaseError`. `body` may be run more than once.
    func read<Value>(_ body: (any SQLSession) throws -> Value) throws -> Value

    /// Runs `body` in one transaction, which is durable when this returns and undone when `body` throws.
    ///
    /// A statement that failed undoes the transaction even if `body` returns. `body` may be run more than once: it must change nothing
    /// but the database. Throws what `body` throws, and `DatabaseError`; only `unknownOutcome` leaves open whether the
    /// transaction was committed.
    func write<Value>(_ body: (any SQLSession) throws -> Value) throws -> Value

    /// Applies those of `steps` that the database does not have yet, all or none, and records them.
    ///
    /// Two that do this at once wait for each other. A database that was opened for reading is only compared. Throws `newerSchema`
    /// when the database has a step that is not in `steps`, `olderSchema` when one is missing and may not be applied.
    func migrate(_ steps: [SQLMigration]) throws
}

/// One transaction on one connection; it is of no use outside the closure that it was given to.
package protocol SQLSession {
    /// For the few statements that cannot be the same in both.
    var engine: SQLEngine { get }

    /// Executes one statement and returns how many rows it inserted, updated or deleted.
    @discardableResult
    func execute(_ sql: String, _ arguments: [SQLValue]) throws(DatabaseError) -> Int

    /// Executes one statement with each of `batch`, in order, and returns how many rows each changed.
    ///
    /// To a server it is one exchange, however many there are.
    @discardableResult
    func execute(_ sql: String, batch: [[SQLValue]]) throws(DatabaseError) -> [Int]

    /// Executes one statement and returns its rows; also an `UPDATE … RETURNING`.
    func query(_ sql: String, _ arguments: [SQLValue]) throws(DatabaseError) -> [SQLRow]

    /// Executes statements without parameters, separated by semicolons.
    func run(script: String) throws(DatabaseError)
}

extension SQLSession {
    @discardableResult
    package func execute(_ sql: String) throws(DatabaseError) -> Int { try execute(sql, []) }

    package func query(_ sql: String) throws(DatabaseError) -> [SQLRow] { try query(sql, []) }
}

/// The two databases that are spoken to.
package enum SQLEngine: String, Sendable, CaseIterable {
    case sqlite
    case postgresql

    /// The type of a column of 64-bit integers; also for flags, as 0 and 1.
    package var integer: String { self == .sqlite ? "INTEGER" : "BIGINT" }

    /// The type of a column of 64-bit floating-point numbers.
    package var real: String { self == .sqlite ? "REAL" : "DOUBLE PRECISION" }

    /// What ends a `CREATE TABLE`, so that SQLite checks the types of values as PostgreSQL does.
    package var strict: String { self == .sqlite ? "STRICT" : "" }
}

/// A value in a row or for a parameter.
///
/// Flags are the integers 0 and 1; digests and JSON are text.
package enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int)
    case real(Double)
    case text(String)

    /// A flag as the integer 0 or 1.
    package static func flag(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }

    /// `value`, or null.
    package static func integer(_ value: Int?) -> SQLValue { value.map { .integer($0) } ?? .null }

    /// `value`, or null.
    package static func text(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }
}

/// One numbered change of the tables; once released it is never edited.
package struct SQLMigration: Sendable {
    /// From 1 on, without gaps.
    package let number: Int
    /// What it brings, for people who look into the database.
    package let name: String
    /// The statements, separated by semicolons, in the words of an engine.
    package let script: @Sendable (SQLEngine) -> String

    package init(_ number: Int, _ name: String, _ script: @escaping @Sendable (SQLEngine) -> String) {
        self.number = number
        self.name = name
        self.script = script
    }
}
