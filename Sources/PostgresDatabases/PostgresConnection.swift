import CPostgres
import Databases

/// One connection to a server, with the statements that were prepared on it.
///
/// It is used by one thread at a time: the one that took it out of its pool, which is why it may move between threads.
final class PostgresConnection: @unchecked Sendable {
    /// What became of something that was sent.
    enum Fault: Error {
        /// The connection is gone, whatever the server made of it.
        case lost(String)
        /// The server refused it; the connection is still good.
        case failed(state: String, message: String)

        /// What libpq or the server said, on one line.
        var message: String {
            switch self {
            case .lost(let message), .failed(_, let message): message
            }
        }
    }

    /// Statements that are kept prepared; beyond it all are forgotten.
    private static let statementLimit = 400

    private struct Key: Hashable {
        let sql: String
        let types: [UInt32]
    }

    /// A prepared statement, with what its results look like once there was one.
    private final class Statement {
        let name: String
        var columns: SQLRow.Columns?
        var types: [UInt32] = []

        init(name: String) { self.name = name }
    }

    let address: PostgresAddress
    /// Whether a transaction was ever begun on it.
    var hasBegun = false

    private let handle: OpaquePointer
    private var statements: [Key: Statement] = [:]
    private var isLost = false

    /// Connects; `keywords` are lines of libpq's keywords and values.
    ///
    /// Throws `lost`.
    init(_ address: PostgresAddress, keywords: String) throws(Fault) {
        guard let handle = cpg_connect(address.url, keywords) else { throw .lost("out of memory") }
        guard cpg_is_connected(handle) == 1 else {
            let message = oneLine(String(cString: cpg_error(handle)))
            cpg_close(handle)
            throw .lost(message)
        }
        self.address = address
        self.handle = handle
    }

    deinit { cpg_close(handle) }

    /// The server's process for this connection.
    var process: Int { Int(cpg_process(handle)) }

    /// Whether it can still be used, as far as is known.
    var isUsable: Bool { !isLost && cpg_is_connected(handle) == 1 }

    /// Throws `lost` when the server has already ended the connection: what would be sent now, it will not receive.
    func check() throws(Fault) {
        guard cpg_is_quiet(handle) == 1 else {
            isLost = true
            throw .lost(oneLine(String(cString: cpg_error(handle))))
        }
    }

    /// Runs statements without parameters and returns what the last one did, such as `COMMIT`.
    @discardableResult
    func run(_ script: String, within limit: Duration) throws(Fault) -> String {
        let result = try checked(cpg_run(handle, script, limit.forC), limit)
        defer { cpg_free(result) }
        return String(cString: cpg_tag(result))
    }

    /// Executes a statement and returns how many rows it changed.
    func execute(_ sql: String, _ arguments: [SQLValue], within limit: Duration) throws(Fault) -> Int {
        let result = try send(try prepared(sql, arguments, within: limit), arguments, within: limit)
        defer { cpg_free(result) }
        return Int(cpg_changed(result))
    }

    /// Executes a statement and returns its rows.
    func query(_ sql: String, _ arguments: [SQLValue], within limit: Duration) throws(Fault) -> [SQLRow] {
        let statement = try prepared(sql, arguments, within: limit)
        let result = try send(statement, arguments, within: limit)
        defer { cpg_free(result) }
        let width = cpg_columns(result)
        let columns = statement.columns ?? SQLRow.Columns((0..<width).map { String(cString: cpg_column(result, $0)) })
        if statement.columns == nil {
            (statement.columns, statement.types) = (columns, (0..<width).map { cpg_type(result, $0) })
        }
        var rows: [SQLRow] = []
        rows.reserveCapacity(Int(cpg_rows(result)))
        for row in 0..<cpg_rows(result) {
            var values: [SQLValue] = []
            values.reserveCapacity(statement.types.count)
            for (column, type) in zip(0..<width, statement.types) {
                values.append(try sqlValue(cpg_value(result, row, column), of: type))
            }
            rows.append(SQLRow(columns: columns, values: values))
        }
        return rows
    }

    /// Executes a statement with each of `batch` in one exchange and returns how many rows each changed.
    func execute(_ sql: String, batch: [[SQLValue]], within limit: Duration) throws(Fault) -> [Int] {
        guard let first = batch.first else { return [] }
        let types = first.indices.map { column in
            batch.lazy.map { $0[column] }.first { $0 != .null }?.postgresType ?? 0
        }
        let statement = try prepared(Key(sql: sql, types: types), within: limit)
        var values = PostgresValues()
        for arguments in batch {
            guard arguments.count == first.count else {
                throw .failed(state: "42P02", message: "a batch with different numbers of parameters")
            }
            try values.append(arguments)
        }
        var changed = [Int64](repeating: 0, count: batch.count)
        let result = try checked(
            cpg_execute_many(
                handle, statement.name, values.text, values.lengths, CInt(first.count), CInt(batch.count), &changed,
                limit.forC), limit)
        cpg_free(result)
        return changed.map(Int.init)
    }

    /// Notes that the connection can no longer be trusted.
    func abandon() { isLost = true }

    // MARK: Sending

    private func send(
        _ statement: Statement, _ arguments: [SQLValue], within limit: Duration
    ) throws(Fault) -> OpaquePointer {
        var values = PostgresValues()
        try values.append(arguments)
        return try checked(
            cpg_execute(
                handle, statement.name, values.text, values.lengths, CInt(arguments.count), limit.forC), limit)
    }

    private func prepared(
        _ sql: String, _ arguments: [SQLValue], within limit: Duration
    ) throws(Fault) -> Statement {
        try prepared(Key(sql: sql, types: arguments.map(\.postgresType)), within: limit)
    }

    /// The statement of `key`, which is prepared when it is new.
    private func prepared(_ key: Key, within limit: Duration) throws(Fault) -> Statement {
        if let known = statements[key] { return known }
        if statements.count >= Self.statementLimit {
            try run("DEALLOCATE ALL", within: limit)
            statements = [:]
        }
        let statement = Statement(name: "s\(statements.count)")
        let result = try checked(
            cpg_prepare(handle, statement.name, key.sql, key.types, CInt(key.types.count), limit.forC), limit)
        cpg_free(result)
        statements[key] = statement
        return statement
    }

    /// `result` if it is one, and not of a failure.
    private func checked(_ result: OpaquePointer?, _ limit: Duration) throws(Fault) -> OpaquePointer {
        guard let result else {
            let message = oneLine(String(cString: cpg_error(handle)))
            isLost = true
            throw .lost(message.isEmpty ? "no answer in \(limit)" : message)
        }
        let state = String(cString: cpg_state(result))
        guard state.isEmpty else {
            let message = oneLine(String(cString: cpg_message(result)))
            cpg_free(result)
            if !isUsable || Self.ends(state) {
                isLost = true
                throw .lost(message)
            }
            throw .failed(state: state, message: message)
        }
        return result
    }

    /// Whether the server says `state` when it closes the connection.
    private static func ends(_ state: String) -> Bool {
        ["08000", "08003", "08006", "57P01", "57P02", "57P03", "57P05", "25P03"].contains(state)
    }
}

/// `text` on one line.
func oneLine(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { $0.trimmingPrefix(while: \.isWhitespace) }.joined(separator: " ")
}

extension Duration {
    /// In milliseconds, as the shim takes it.
    fileprivate var forC: CInt { CInt(clamping: inMilliseconds) }
}
