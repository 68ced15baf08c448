package import Databases
import Glibc
import Locks

/// A database on a PostgreSQL server, in a schema of its own.
///
/// One connection writes and two read. A transaction that was cut off is begun again while it cannot have been committed, and
/// so is one that the server could not put in order with another.
package final class PostgresDatabase: SQLDatabase {
    /// Connections that read beside the one that writes.
    private static let readers = 2
    /// How often a transaction is begun again for reasons other than a lost connection.
    private static let repetitions = 10

    private let address: PostgresAddress
    private let timeouts: PostgresTimeouts
    private let schema: String
    private let writer: PostgresPool
    private let reader: PostgresPool

    /// Names the database at `url`, such as `postgresql://build@db.example.org/pipeline`; the first transaction connects.
    ///
    /// Passwords are found where libpq finds them: `~/.pgpass`, `PGPASSFILE`, `PGPASSWORD`, the address. No error shows
    /// one. `name` is what the server's lists of connections show. Throws `refused` for what is no address.
    package init(
        url: String, name: String = "pipeline", schema: String = "pipeline", timeouts: PostgresTimeouts = .init()
    ) throws(DatabaseError) {
        precondition(schema.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }, "a plain name for a schema")
        address = try PostgresAddress(url)
        self.timeouts = timeouts
        self.schema = schema
        let settings = PostgresSettings(timeouts, name: name, schema: schema)
        writer = PostgresPool(address, timeouts, settings, limit: 1)
        reader = PostgresPool(address, timeouts, settings, limit: Self.readers)
    }

    package func read<Value>(_ body: (any SQLSession) throws -> Value) throws -> Value {
        try transaction(.reading(within: timeouts.answer), on: reader, body)
    }

    package func write<Value>(_ body: (any SQLSession) throws -> Value) throws -> Value {
        try transaction(.writing(within: timeouts.answer), on: writer, body)
    }

    package func migrate(_ steps: [SQLMigration]) throws {
        try transaction(.migrating(within: timeouts.migration), on: writer) { session in
            // Whoever comes second waits here until the first has committed.
            _ = try session.query("SELECT pg_advisory_xact_lock(hashtext($1)::bigint)", [.text("migrate \(schema)")])
            let found = try session.query("SELECT nspname FROM pg_namespace WHERE nspname = $1", [.text(schema)])
            if found.isEmpty { try session.run(script: "CREATE SCHEMA \"\(schema)\"") }
            try session.migrate(steps, subject: address.shown, mayChange: true)
        }
    }

    private func transaction<Value>(
        _ kind: PostgresTransaction, on pool: PostgresPool, _ body: (any SQLSession) throws -> Value
    ) throws -> Value {
        try pool.withPlace { place in
            var attempts = 0
            while true {
                let connection = try pool.connection(of: place)
                do {
                    return try kind.run(on: connection, body)
                } catch let again as PostgresTransaction.Again {
                    attempts += 1
                    if again.needsConnection { connection.abandon() }
                    let isOver = again.isLost ? ContinuousClock.now >= place.deadline : attempts > Self.repetitions
                    guard !isOver else { throw again.reason }
                    // Two that hinder each other do not come back at the same time.
                    if !again.isLost { usleep(UInt32.random(in: 500...5000) * UInt32(attempts)) }
                }
            }
        }
    }
}
