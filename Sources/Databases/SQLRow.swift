/// One row of a result; a column that is not there or has another type is an `unexpected` error.
package struct SQLRow: Sendable {
    /// The names of a result's columns, shared by its rows.
    package final class Columns: Sendable {
        fileprivate let positions: [String: Int]

        package init(_ names: [String]) {
            positions = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
        }
    }

    private let columns: Columns
    private let values: [SQLValue]

    package init(columns: Columns, values: [SQLValue]) {
        self.columns = columns
        self.values = values
    }

    /// The value of `column` as it is.
    package func value(_ column: String) throws(DatabaseError) -> SQLValue {
        guard let position = columns.positions[column] else {
            throw DatabaseError(.unexpected, "column \(column)", "not in the result")
        }
        return values[position]
    }

    package func integer(_ column: String) throws(DatabaseError) -> Int {
        guard let value = try optionalInteger(column) else { throw mismatch(column, "an integer", .null) }
        return value
    }

    package func real(_ column: String) throws(DatabaseError) -> Double {
        guard let value = try optionalReal(column) else { throw mismatch(column, "a number", .null) }
        return value
    }

    package func text(_ column: String) throws(DatabaseError) -> String {
        guard let value = try optionalText(column) else { throw mismatch(column, "text", .null) }
        return value
    }

    /// Whether the integer in `column`, 0 or 1, is 1.
    package func flag(_ column: String) throws(DatabaseError) -> Bool {
        switch try integer(column) {
        case 0: return false
        case 1: return true
        case let other: throw mismatch(column, "0 or 1", .integer(other))
        }
    }

    package func optionalInteger(_ column: String) throws(DatabaseError) -> Int? {
        switch try value(column) {
        case .null: return nil
        case .integer(let value): return value
        case let other: throw mismatch(column, "an integer", other)
        }
    }

    package func optionalReal(_ column: String) throws(DatabaseError) -> Double? {
        switch try value(column) {
        case .null: return nil
        case .integer(let value): return Double(value)
        case .real(let value): return value
        case let other: throw mismatch(column, "a number", other)
        }
    }

    package func optionalText(_ column: String) throws(DatabaseError) -> String? {
        switch try value(column) {
        case .null: return nil
        case .text(let value): return value
        case let other: throw mismatch(column, "text", other)
        }
    }

    private func mismatch(_ column: String, _ wanted: String, _ value: SQLValue) -> DatabaseError {
        let found =
            switch value {
            case .null: "null"
            case .integer(let value): "the integer \(value)"
            case .real(let value): "the number \(value)"
            case .text: "text"
            }
        return DatabaseError(.unexpected, "column \(column)", "\(found), not \(wanted)")
    }
}
