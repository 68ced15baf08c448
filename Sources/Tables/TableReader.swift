import CParquet

/// Reads chosen columns of a Parquet file, row group by row group, in batches.
package final class TableReader {
    package let path: String
    private let handle: cpq_reader_t
    /// The names of the top-level columns.
    package let columns: [String]

    /// Opens the file `path`.
    package init(path: String) throws(TableError) {
        var handle: cpq_reader_t?
        try TableError.check(cpq_reader_open(path, &handle), path)
        guard let handle else { throw TableError(path, "no reader") }
        self.path = path
        self.handle = handle
        columns = (0..<cpq_column_count(handle)).map { String(cString: cpq_column_name(handle, $0)) }
    }

    deinit { cpq_reader_free(handle) }

    package var rowCount: Int { Int(cpq_row_count(handle)) }
    package var rowGroupCount: Int { Int(cpq_row_group_count(handle)) }
    package func rowCount(ofGroup group: Int) -> Int {
        precondition((0..<rowGroupCount).contains(group), "the table has \(rowGroupCount) row groups")
        return Int(cpq_row_group_rows(handle, Int32(group)))
    }

    /// Gives each row of `group` to `visit`, with its number in the group; columns are numbered as in `names`.
    ///
    /// - Throws: A `TableError` where a column is not there or the file is damaged, and what `visit` throws.
    package func rows(ofGroup group: Int, columns names: [String], visit: (Int, TableRow) throws -> Void) throws {
        var numbers: [Int32] = []
        for name in names {
            guard let number = columns.firstIndex(of: name) else {
                throw TableError(path, "no column \(name); there are \(columns.joined(separator: ", "))")
            }
            numbers.append(Int32(number))
        }
        try TableError.check(cpq_select(handle, Int32(group), numbers, Int32(numbers.count), 4096), path)
        var done = 0
        while true {
            var count: Int64 = 0
            try TableError.check(cpq_next(handle, &count), path)
            guard count > 0 else { return }
            for row in 0..<count { try visit(done + Int(row), TableRow(path: path, handle: handle, row: row)) }
            done += Int(count)
        }
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
