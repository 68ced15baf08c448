import CParquet
import Files
import Glibc

/// What a column of a table holds.
package enum ColumnType: Sendable {
    case string, int64, double, bool, stringList, doubleList

    var code: cpq_type_t {
        switch self {
        case .string: CPQ_STRING
        case .int64: CPQ_INT64
        case .double: CPQ_DOUBLE
        case .bool: CPQ_BOOL
        case .stringList: CPQ_STRING_LIST
        case .doubleList: CPQ_DOUBLE_LIST
        }
    }
}

/// One value of a row.
package enum Cell: Sendable, Equatable {
    case null
    case string(String)
    case int(Int)
    case double(Double)
    case bool(Bool)
    case strings([String])
    case doubles([Double])
}

/// Writes a Parquet file row by row, compressed by zstd; equal rows give equal bytes.
package final class TableWriter {
    /// A row group is ended at so many rows, or bytes of text: what is in memory is bounded.
    private static let groupRows = 8192
    private static let groupBytes = 32 << 20

    private let path: String
    private let types: [ColumnType]
    private let handle: cpq_writer_t
    private var pendingRows = 0
    private var pendingBytes = 0

    /// Creates the file `path` with `columns`; each may hold nulls.
    package init(path: String, columns: [(name: String, type: ColumnType)], level: Int = 3) throws(TableError) {
        var handle: cpq_writer_t?
        let names = columns.map { strdup($0.name) }
        defer { for name in names { free(name) } }
        let pointers = names.map { UnsafePointer($0) }
        let codes = columns.map(\.type.code)
        try TableError.check(
            cpq_writer_open(path, pointers, codes, Int32(columns.count), Int32(level), &handle), path)
        guard let handle else { throw TableError(path, "no writer") }
        self.path = path
        self.types = columns.map(\.type)
        self.handle = handle
    }

    deinit { cpq_writer_free(handle) }

    /// Adds a row: one cell for each column, of the column's type or null.
    package func append(_ row: [Cell]) throws(TableError) {
        precondition(row.count == types.count, "\(row.count) cells for \(types.count) columns")
        for (column, cell) in row.enumerated() { try append(cell, Int32(column)) }
        pendingRows += 1
        if pendingRows == Self.groupRows || pendingBytes >= Self.groupBytes { try endGroup() }
    }

    private func endGroup() throws(TableError) {
        try TableError.check(cpq_end_row_group(handle), path)
        (pendingRows, pendingBytes) = (0, 0)
    }

    /// Ends the file and waits until it is on the disk; call it once, last.
    package func finish() throws(TableError) {
        try endGroup()
        try TableError.check(cpq_writer_close(handle), path)
        do {
            try syncFile(path)
        } catch {
            throw TableError(path, "sync: \(error.reason)")
        }
    }

    private func append(_ cell: Cell, _ column: Int32) throws(TableError) {
        switch (cell, types[Int(column)]) {
        case (.null, _): try TableError.check(cpq_append_null(handle, column), path)
        case (.string(let text), .string): try append(text, column)
        case (.int(let value), .int64): try TableError.check(cpq_append_int(handle, column, Int64(value)), path)
        case (.double(let value), .double): try TableError.check(cpq_append_double(handle, column, value), path)
        case (.bool(let value), .bool): try TableError.check(cpq_append_bool(handle, column, value ? 1 : 0), path)
        case (.strings(let texts), .stringList):
            try TableError.check(cpq_begin_list(handle, column), path)
            for text in texts { try append(text, column) }
        case (.doubles(let values), .doubleList):
            try TableError.check(cpq_begin_list(handle, column), path)
            for value in values { try TableError.check(cpq_append_double(handle, column, value), path) }
        default: preconditionFailure("column \(column) does not hold \(cell)")
        }
    }

    private func append(_ text: String, _ column: Int32) throws(TableError) {
        var text = text
        pendingBytes += text.utf8.count
        let status = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cpq_append_string(handle, column, $0.baseAddress, $0.count) }
        }
        try TableError.check(status, path)
    }
}
