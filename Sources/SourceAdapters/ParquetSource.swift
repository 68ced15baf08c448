package import Manifests
import Samples
import Tables

/// Parquet files with one row a row: planned by their footers, read by row groups.
package struct ParquetSource: ListSource {
    package let name: String
    let imageRoots: [String]
    private let paths: [String]
    private let columns: Columns
    var fileCount: Int { paths.count }

    /// The rows of `paths`, in that order.
    package init(name: String, paths: [String], columns: Columns = .standard, imageRoots: [String] = []) {
        (self.name, self.paths, self.columns, self.imageRoots) = (name, paths, columns, imageRoots)
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        try ParquetCursor(file, paths[file], columns, at: position?.offset ?? 0)
    }
}

/// Goes over the rows of one Parquet file; passing over rows costs nothing until one is read.
final class ParquetCursor: ListCursor {
    let path: String
    private let file: Int
    private let table: TableReader
    /// The chosen columns, and where in them each name is.
    private let names: [String]
    private let columns: Columns
    private var row: Int
    private var group: TableGroup?
    /// The first row of the group, and of the one behind it.
    private var rows = 0..<0

    init(_ file: Int, _ path: String, _ columns: Columns, at row: Int) throws(SourceError) {
        (self.file, self.path, self.columns, self.row) = (file, path, columns, row)
        do throws(TableError) {
            table = try TableReader(path: path)
        } catch {
            throw SourceError(.malformed, path, error.detail)
        }
        let facts = columns.facts ?? FactColumns()
        names = [columns.url, columns.caption] + [columns.id].compactMap(\.self) + facts.names
        for name in names where !table.columns.contains(name) {
            throw SourceError(.malformed, path, "no column \(name); there are \(table.columns.joined(separator: ", "))")
        }
    }

    var position: InputPosition { InputPosition(file: file, offset: row) }
    var unitOfOffset: String { "row" }

    func skip(_ count: Int) -> Int {
        let found = min(count, table.rowCount - row)
        row += found
        return found
    }

    func next() throws(SourceError) -> ListedFields? {
        guard row < table.rowCount else { return nil }
        do {
            if !rows.contains(row) { try openGroup() }
            defer { row += 1 }
            guard let cells = try group?.row(row - rows.lowerBound) else {
                throw SourceError(.changed, path, "row \(row): fewer rows than the footer says")
            }
            return try fields(cells)
        } catch let error as SourceError {
            throw error
        } catch {
            throw SourceError(.malformed, path, "row \(row): \((error as? TableError)?.detail ?? "\(error)")")
        }
    }

    /// Opens the row group that holds `row`.
    private func openGroup() throws(TableError) {
        var (number, first) = (0, 0)
        while first + table.rowCount(ofGroup: number) <= row {
            first += table.rowCount(ofGroup: number)
            number += 1
        }
        rows = first..<(first + table.rowCount(ofGroup: number))
        group = try table.group(number, columns: names)
    }

    private func fields(_ cells: TableRow) throws(TableError) -> ListedFields {
        func place(_ name: String?) -> Int? { name.flatMap(names.firstIndex(of:)) }
        var row = ListedFields()
        // A cell of another type than is wanted, or a null, says nothing.
        func text(_ name: String) -> String {
            guard let place = place(name), let value = cells.text(place) else { return "" }
            return SourceAdapters.text(of: Array(value.utf8))
        }
        row.url = text(columns.url)
        row.captions = (place(columns.caption).map(cells.texts) ?? []).map { SourceAdapters.text(of: Array($0.utf8)) }
        row.sourceID = columns.id.map(text) ?? ""
        row.facts = RowFacts(columns.facts ?? FactColumns(), text: text) { place($0).flatMap(cells.number) }
        return row
    }
}
