import Databases

/// How a transaction begins, and what its end means.
struct PostgresTransaction {
    /// Nothing was committed, and another try may succeed.
    struct Again: Error {
        let reason: DatabaseError
        /// Whether the connection was lost: then only patience limits how often it is tried.
        let isLost: Bool
        /// Whether it takes another connection.
        let needsConnection: Bool
    }

    let begin: String
    /// For the answer to each statement.
    let limit: Duration
    let isWriting: Bool

    /// One that sees one state of the database and changes nothing.
    static func reading(within limit: Duration) -> PostgresTransaction {
        PostgresTransaction(begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", limit: limit, isWriting: false)
    }

    static func writing(within limit: Duration) -> PostgresTransaction {
        PostgresTransaction(begin: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", limit: limit, isWriting: true)
    }

    /// One with statements that may take, and wait, as long as `limit`.
    static func migrating(within limit: Duration) -> PostgresTransaction {
        let milliseconds = limit.inMilliseconds
        let begin = """
            BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
            SET LOCAL statement_timeout = \(milliseconds); SET LOCAL lock_timeout = \(milliseconds)
            """
        return PostgresTransaction(begin: begin, limit: limit + .seconds(10), isWriting: true)
    }

    /// Runs `body` in a transaction on `connection`.
    ///
    /// Throws `Again`, what `body` throws, or `DatabaseError`.
    func run<Value>(on connection: PostgresConnection, _ body: (any SQLSession) throws -> Value) throws -> Value {
        let isReused = connection.hasBegun
        connection.hasBegun = true
        do { try connection.run(begin, within: limit) } catch { throw verdict(error, connection, isReused) }
        let session = PostgresSession(connection, limit)
        let value: Value
        do {
            value = try body(session)
        } catch {
            rollBack(connection)
            // Whatever `body` made of the failure of a statement: what the database said decides.
            if let fault = session.fault, let again = verdict(fault, connection, isReused) as? Again { throw again }
            throw error
        }
        if let fault = session.fault {
            rollBack(connection)
            throw verdict(fault, connection, isReused)
        }
        do { try connection.check() } catch { throw verdict(error, connection, isReused) }
        do {
            try connection.run("COMMIT", within: limit)
        } catch .lost(let message) {
            guard isWriting else { return value }
            throw DatabaseError(
                .unknownOutcome, connection.address.shown, "lost the connection while committing: \(message)")
        } catch {
            rollBack(connection)
            throw verdict(error, connection, isReused)
        }
        return value
    }

    private func rollBack(_ connection: PostgresConnection) {
        guard connection.isUsable else { return }
        // Without an answer the connection is given up, and the server undoes what it holds.
        do { try connection.run("ROLLBACK", within: limit) } catch { connection.abandon() }
    }

    /// `fault` as an error, or as a reason to begin again.
    private func verdict(
        _ fault: PostgresConnection.Fault, _ connection: PostgresConnection, _ isReused: Bool
    ) -> any Error {
        let error = DatabaseError(fault, connection.address)
        guard case .failed(let state, _) = fault else {
            return Again(reason: error, isLost: true, needsConnection: true)
        }
        switch state {
        case "40001", "40P01": return Again(reason: error, isLost: false, needsConnection: false)
        // Tables were changed under a prepared statement, or it is no longer known: a new connection has none.
        case "0A000" where isReused, "26000" where isReused:
            return Again(reason: error, isLost: false, needsConnection: true)
        // The server has become one that only follows: another leads now.
        case "25006" where isWriting: return Again(reason: error, isLost: true, needsConnection: true)
        default: return error
        }
    }
}

/// A transaction of `PostgresDatabase`.
final class PostgresSession: SQLSession {
    let engine = SQLEngine.postgresql
    /// The first statement that failed; nothing is committed after it.
    private(set) var fault: PostgresConnection.Fault?

    private let connection: PostgresConnection
    private let limit: Duration

    init(_ connection: PostgresConnection, _ limit: Duration) {
        self.connection = connection
        self.limit = limit
    }

    func execute(_ sql: String, _ arguments: [SQLValue]) throws(DatabaseError) -> Int {
        try guarded(sql) { () throws(PostgresConnection.Fault) in
            try connection.execute(sql, arguments, within: limit)
        }
    }

    func execute(_ sql: String, batch: [[SQLValue]]) throws(DatabaseError) -> [Int] {
        try guarded(sql) { () throws(PostgresConnection.Fault) in
            try connection.execute(sql, batch: batch, within: limit)
        }
    }

    func query(_ sql: String, _ arguments: [SQLValue]) throws(DatabaseError) -> [SQLRow] {
        try guarded(sql) { () throws(PostgresConnection.Fault) in
            try connection.query(sql, arguments, within: limit)
        }
    }

    func run(script: String) throws(DatabaseError) {
        try guarded(script) { () throws(PostgresConnection.Fault) in
            try connection.run(script, within: limit)
        }
    }

    /// Runs `body` unless a statement failed before, and remembers if it fails.
    @discardableResult
    private func guarded<Value>(
        _ sql: String, _ body: () throws(PostgresConnection.Fault) -> Value
    ) throws(DatabaseError) -> Value {
        if let fault { throw DatabaseError(fault, connection.address) }
        do {
            return try body()
        } catch {
            var fault = error
            if case .failed(let state, let message) = error {
                fault = .failed(state: state, message: "\(message) in: \(oneLine(sql))")
            }
            self.fault = fault
            throw DatabaseError(fault, connection.address)
        }
    }
}

extension DatabaseError {
    /// `fault` of the server at `address`, by the server's code for it.
    init(_ fault: PostgresConnection.Fault, _ address: PostgresAddress) {
        guard case .failed(let state, let message) = fault else {
            self.init(.unavailable, address.shown, fault.message)
            return
        }
        let code: Code =
            switch state {
            case "55P03", "40001", "40P01": .busy
            case "57014": .timeout
            case "53100": .diskFull
            case "42501": .refused
            case "XX001", "XX002", "58030": .damaged
            case _ where state.hasPrefix("23"): .constraint
            // Out of memory, of connections, of what the operator allows.
            case _ where state.hasPrefix("53"): .unavailable
            default: .unexpected
            }
        self.init(code, address.shown, message)
    }
}
