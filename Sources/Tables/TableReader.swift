import CParquet
import Files
import Glibc
package import Samples

/// Reads chosen columns of a Parquet file, row group by row group, in batches.
package final class TableReader {
    package let path: String
    private let handle: cpq_reader_t
    /// The names of the top-level columns.
    package let columns: [String]

    /// Opens the file `path`.
    ///
    /// Throws a `TableError` for a footer that is damaged, too: there are as many rows as the row groups have.
    package convenience init(path: String) throws(TableError) {
        // Arrow would wait for a pipe.
        do { close(try openPlainFile(path)) } catch { throw TableError(path, error.reason) }
        var handle: cpq_reader_t?
        try TableError.check(cpq_reader_open(path, &handle), path)
        try self.init(path, handle)
    }

    /// Reads the Parquet file `file`, wherever it is.
    package convenience init(_ file: any ByteRanges) throws(TableError) {
        var handle: cpq_reader_t?
        try TableError.check(cpq_reader_open_ranges(ranges(of: file), &handle), file.name)
        try self.init(file.name, handle)
    }

    private init(_ path: String, _ handle: cpq_reader_t?) throws(TableError) {
        guard let handle else { throw TableError(path, "no reader") }
        self.path = path
        self.handle = handle
        columns = (0..<cpq_column_count(handle)).map { String(cString: cpq_column_name(handle, $0)) }
        var rows: Int64 = 0
        for group in 0..<cpq_row_group_count(handle) {
            let count = cpq_row_group_rows(handle, group)
            guard count >= 0, count <= Int64.max - rows else {
                throw TableError(path, "row group \(group) has \(count) rows: the footer is damaged")
            }
            rows += count
        }
        guard rows == cpq_row_count(handle) else {
            throw TableError(
                path, "\(cpq_row_count(handle)) rows, but \(rows) in its row groups: the footer is damaged")
        }
    }

    deinit { cpq_reader_free(handle) }

    package var rowCount: Int { Int(cpq_row_count(handle)) }
    package var rowGroupCount: Int { Int(cpq_row_group_count(handle)) }

    /// What the column `name` holds.
    ///
    /// - Throws: A `TableError` where there is no such column, or more than one.
    package func form(ofColumn name: String) throws(TableError) -> ColumnForm {
        var (kind, depth, type): (cpq_kind_t, Int32, UnsafePointer<CChar>?) = (CPQ_OTHER_KIND, 0, nil)
        try TableError.check(cpq_column_kind(handle, number(ofColumn: name), &kind, &depth, &type), path)
        return ColumnForm(kind: .init(kind), listDepth: Int(depth), typeName: type.map { String(cString: $0) } ?? "")
    }

    private func number(ofColumn name: String) throws(TableError) -> Int32 {
        let numbers = columns.indices.filter { columns[$0] == name }
        guard let number = numbers.first else {
            throw TableError(path, "no column \(name); there are \(columns.joined(separator: ", "))")
        }
        guard numbers.count == 1 else {
            throw TableError(
                path, "\(numbers.count) columns are called \(name): rename all but one"
            )
        }
        return Int32(number)
    }

    package func rowCount(ofGroup group: Int) -> Int {
        precondition((0..<rowGroupCount).contains(group), "the table has \(rowGroupCount) row groups")
        return Int(cpq_row_group_rows(handle, Int32(group)))
    }

    /// Gives each row of `group` to `visit`, with its number in the group; columns are numbered as in `names`.
    ///
    /// - Throws: A `TableError` where a column is not there or the file is damaged, and what `visit` throws.
    package func rows(ofGroup number: Int, columns names: [String], visit: (Int, TableRow) throws -> Void) throws {
        let group = try group(number, columns: names)
        var row = 0
        while let cells = try group.row(row) {
            try visit(row, cells)
            row += 1
        }
    }

    /// Row group `number`, to be read forwards; columns are numbered as in `names`.
    ///
    /// A table has one open group.
    package func group(_ number: Int, columns names: [String]) throws(TableError) -> TableGroup {
        var numbers: [Int32] = []
        for name in names { numbers.append(try self.number(ofColumn: name)) }
        try TableError.check(cpq_select(handle, Int32(number), numbers, Int32(numbers.count), 4096), path)
        return TableGroup(self, handle)
    }
}

/// The rows of one row group, batch by batch.
package final class TableGroup {
    private let table: TableReader
    private let handle: cpq_reader_t
    /// The rows of the batch at hand.
    private var rows = 0..<0

    fileprivate init(_ table: TableReader, _ handle: cpq_reader_t) {
        self.table = table
        self.handle = handle
    }

    /// Row `number` of the group, which is not before one that was read; nil behind the last.
    ///
    /// Valid until the next call.
    package func row(_ number: Int) throws(TableError) -> TableRow? {
        precondition(number >= rows.lowerBound, "a group is read forwards")
        while number >= rows.upperBound {
            var count: Int64 = 0
            try TableError.check(cpq_next(handle, &count), table.path)
            guard count > 0 else { return nil }
            rows = rows.upperBound..<(rows.upperBound + Int(count))
        }
        return TableRow(path: table.path, handle: handle, row: Int64(number - rows.lowerBound))
    }
}

/// One row of the batch at hand; valid only while it is visited.
package struct TableRow {
    fileprivate let path: String
    fileprivate let handle: cpq_reader_t
    fileprivate let row: Int64

    /// The text of a cell, damaged UTF-8 repaired; nil where it is null.
    package func string(_ column: Int) throws(TableError) -> String? {
        var (bytes, count): (UnsafePointer<CChar>?, Int) = (nil, 0)
        guard try isGiven(cpq_string(handle, Int32(column), row, &bytes, &count)) else { return nil }
        return text(bytes, count)
    }

    /// A whole number of any type; nil where it is null.
    package func int(_ column: Int) throws(TableError) -> Int? {
        var value: Int64 = 0
        return try isGiven(cpq_int(handle, Int32(column), row, &value)) ? Int(value) : nil
    }

    /// A number of any type; nil where it is null.
    package func double(_ column: Int) throws(TableError) -> Double? {
        var value = 0.0
        return try isGiven(cpq_double(handle, Int32(column), row, &value)) ? value : nil
    }

    /// Whether a cell is true, or a number other than 0; nil where it is null.
    package func bool(_ column: Int) throws(TableError) -> Bool? { try double(column).map { $0 != 0 } }

    /// A list of texts, empty for nulls in it; nil where the list itself is null.
    package func strings(_ column: Int) throws(TableError) -> [String]? {
        guard let count = try listCount(column) else { return nil }
        var list: [String] = []
        for place in 0..<count {
            var (bytes, length): (UnsafePointer<CChar>?, Int) = (nil, 0)
            let isText = try isGiven(cpq_list_string(handle, Int32(column), row, place, &bytes, &length))
            list.append(isText ? text(bytes, length) : "")
        }
        return list
    }

    /// A list of numbers, not-a-number for nulls in it; nil where the list itself is null.
    package func doubles(_ column: Int) throws(TableError) -> [Double]? {
        guard let count = try listCount(column) else { return nil }
        var list: [Double] = []
        for place in 0..<count {
            var value = 0.0
            let isNumber = try isGiven(cpq_list_double(handle, Int32(column), row, place, &value))
            list.append(isNumber ? value : .nan)
        }
        return list
    }

    /// The value of a cell written as text, which no other value of its type has; nil where it is null or not-a-number.
    ///
    /// Whole numbers and decimals in all their digits, other numbers in as few as tell them apart, `true` and `false`, dates
    /// and times by ISO 8601 (`Z` behind those that have a time zone), UUIDs in their canonical form, bytes of fixed count in
    /// hexadecimal digits.
    package func text(_ column: Int) throws(TableError) -> String? {
        var (bytes, count): (UnsafePointer<CChar>?, Int) = (nil, 0)
        return try isGiven(cpq_text(handle, Int32(column), row, &bytes, &count)) ? text(bytes, count) : nil
    }

    /// The text of a cell; of a list those of its values, lists in it one after the other, nulls left out.
    package func texts(_ column: Int) throws(TableError) -> [String] {
        var found: Int64 = 0
        try TableError.check(cpq_texts(handle, Int32(column), row, &found), path)
        var list: [String] = []
        for place in 0..<found {
            var (bytes, count): (UnsafePointer<CChar>?, Int) = (nil, 0)
            try TableError.check(cpq_text_at(handle, place, &bytes, &count), path)
            list.append(text(bytes, count))
        }
        return list
    }

    /// The bytes in a cell of text or bytes; nil where it is null.
    package func bytes(_ column: Int) throws(TableError) -> [UInt8]? {
        var (bytes, count): (UnsafePointer<CChar>?, Int) = (nil, 0)
        guard try isGiven(cpq_string(handle, Int32(column), row, &bytes, &count)) else { return nil }
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// The bytes in the field `name` of a struct; nil where it is null, or the struct has no such field.
    package func bytes(_ column: Int, field name: String) throws(TableError) -> [UInt8]? {
        var (bytes, count): (UnsafePointer<CChar>?, Int) = (nil, 0)
        guard try isGiven(cpq_field(handle, Int32(column), row, name, &bytes, &count)) else { return nil }
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    private func listCount(_ column: Int) throws(TableError) -> Int64? {
        var count: Int64 = 0
        return try isGiven(cpq_list_count(handle, Int32(column), row, &count)) ? count : nil
    }

    /// Whether there is a value, by what the shim answered.
    private func isGiven(_ status: Int32) throws(TableError) -> Bool {
        if status < 0 { try TableError.check(status, path) }
        return status > 0
    }

    private func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
