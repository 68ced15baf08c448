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
        try ParquetCursor(file, paths[file], at: position?.offset ?? 0) { _ in columns }
    }
}

/// Goes over the rows of one Parquet file; passing over rows costs nothing until one is read.
final class ParquetCursor: ListCursor {
    let path: String
    private let file: Int
    private let table: TableReader
    /// The chosen columns, where in them each name is, and what each holds.
    private let names: [String]
    private let places: [String: Int]
    private let forms: [String: ColumnForm]
    private let columns: Columns
    private var row: Int
    private var group: TableGroup?
    /// The first row of the group, and of the one behind it.
    private var rows = 0..<0

    /// `choose` says which of the table's columns are read.
    init(
        _ file: Int, _ path: String, at row: Int, choose: ([String]) -> Columns
    ) throws(SourceError) {
        (self.file, self.path, self.row) = (file, path, row)
        var (names, forms): ([String], [String: ColumnForm]) = ([], [:])
        do throws(TableError) {
            table = try TableReader(path: path)
            columns = choose(table.columns)
            for name in columns.uses.map(\.name) where forms[name] == nil {
                forms[name] = try table.form(ofColumn: name)
                names.append(name)
            }
        } catch {
            throw SourceError(.malformed, path, try whatItIs(path) ?? error.detail)
        }
        for (name, use) in columns.uses {
            guard let form = forms[name], !use.takes(form) else { continue }
            throw SourceError(.malformed, path, "column \(name) holds \(form.typeName), not \(use.wanted)")
        }
        (self.names, self.forms) = (names, forms)
        places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    var position: InputPosition { InputPosition(file: file, offset: row) }
    var place: ListPlace { ListPlace(unit: "row", number: row) }

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
            return fields(cells)
        } catch let error as SourceError {
            throw error
        } catch {
            throw SourceError(.malformed, path, "row \(row): \((error as? TableError)?.detail ?? "\(error)")")
        }
    }

    /// Opens the row group that holds `row`; the groups have as many rows as the table.
    private func openGroup() throws(TableError) {
        var (number, first) = (0, 0)
        while first + table.rowCount(ofGroup: number) <= row {
            first += table.rowCount(ofGroup: number)
            number += 1
        }
        rows = first..<(first + table.rowCount(ofGroup: number))
        group = try table.group(number, columns: names)
    }

    private func fields(_ cells: TableRow) -> ListedFields {
        var row = ListedFields()
        do throws(ValueFault) {
            try readImage(cells, to: &row)
            row.captions = try read(columns.caption) { (place) throws(TableError) in try cells.texts(place) }
                .map { SourceAdapters.text(of: Array($0.utf8)) }
            if let id = columns.id { row.sourceID = try text(cells, id) }
        } catch {
            row.fault = error.text
        }
        if let facts = columns.facts {
            row.facts = RowFacts(facts) { (name) throws(ValueFault) in
                try text(cells, name)
            } number: { (name) throws(ValueFault) in
                try number(cells, name)
            }
            row.known = Set(Fact.allCases.filter { facts[$0] != nil })
        }
        return row
    }

    /// Reads where the image is, or the image itself where the column holds images.
    private func readImage(_ cells: TableRow, to row: inout ListedFields) throws(ValueFault) {
        switch forms[columns.url]?.kind {
        case .image:
            let bytes = try read(columns.url) { (place) throws(TableError) in try cells.bytes(place, field: "bytes") }
            let path = try read(columns.url) { (place) throws(TableError) in try cells.bytes(place, field: "path") }
            row.url = path.map(urlText) ?? ""
            if let bytes, !bytes.isEmpty { row.image = .bytes(bytes) }
        case .bytes:
            let bytes = try read(columns.url) { (place) throws(TableError) in try cells.bytes(place) } ?? []
            if mayBeURL(bytes) { row.url = urlText(of: bytes) } else { row.image = .bytes(bytes) }
        default:
            let text = try read(columns.url) { (place) throws(TableError) in try cells.text(place) }
            row.url = text.map { urlText(of: Array($0.utf8)) } ?? ""
        }
    }

    private func text(_ cells: TableRow, _ name: String) throws(ValueFault) -> String {
        if forms[name]?.kind == .bytes {
            let bytes = try read(name) { (place) throws(TableError) in try cells.bytes(place) } ?? []
            // Bytes that are not text must not become the same text as others.
            return String(validating: bytes, as: UTF8.self) == nil
                ? "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                : SourceAdapters.text(of: bytes)
        }
        let value = try read(name) { (place) throws(TableError) in try cells.text(place) }
        return value.map { SourceAdapters.text(of: Array($0.utf8)) } ?? ""
    }

    private func number(_ cells: TableRow, _ name: String) throws(ValueFault) -> Double? {
        switch forms[name]?.kind {
        case .text, .bytes: return try SourceAdapters.number(text(cells, name), name)
        case .nothing: return nil
        default:
            let value = try read(name) { (place) throws(TableError) in try cells.double(place) }
            return value.flatMap { $0.isFinite ? $0 : nil }
        }
    }

    /// Gives the place of the column `name` to `value`.
    private func read<Value>(
        _ name: String, _ value: (Int) throws(TableError) -> Value
    ) throws(ValueFault) -> Value {
        guard let place = places[name] else { preconditionFailure("\(name) was not selected") }
        do throws(TableError) {
            return try value(place)
        } catch {
            throw ValueFault(text: "\(name): \(error.detail)")
        }
    }
}

/// What a file is that is not a Parquet file, and what to do; nil where it is one, or nothing is known of it.
private func whatItIs(_ path: String) throws(SourceError) -> String? {
    let head = try someBytes(of: path)
    if head.starts(with: "PAR1".utf8) { return nil }
    if let foreign = ForeignFile(head) { return foreign.message(wanted: "a Parquet file") }
    let start = firstToken(of: head)
    if start == UInt8(ascii: "{") || start == UInt8(ascii: "[") {
        return "this is JSON, not a Parquet file; read it with format: jsonl"
    }
    let isText = !head.isEmpty && !head.contains(0)
    return isText ? "this is text, not a Parquet file; read it with format: csv where that is what it is" : nil
}

/// What a column is read for, which says what it may hold.
enum ColumnUse: Hashable {
    case image, captions, id, word, number, digest

    /// What the column of `fact` is read for.
    init(_ fact: Fact) { self = fact.isNumber ? .number : fact.isDigest ? .digest : .word }

    var wanted: String {
        switch self {
        case .image: "URLs, paths or images"
        case .captions: "texts"
        case .id: "ids"
        case .word: "words"
        case .number: "numbers"
        case .digest: "digests"
        }
    }

    func takes(_ form: ColumnForm) -> Bool {
        guard form.listDepth == 0 || self == .captions else { return false }
        switch form.kind {
        case .text, .bytes, .nothing: return true
        case .bool: return self == .captions || self == .id || self == .word
        case .integer, .real, .decimal: return self != .image && self != .digest
        case .moment, .uuid: return self == .captions || self == .id
        case .fixedBytes: return self == .id || self == .digest
        case .image: return self == .image
        case .other: return false
        }
    }
}

extension Columns {
    /// The columns that are read, and what for.
    fileprivate var uses: [(name: String, use: ColumnUse)] {
        let facts = facts ?? FactColumns()
        return [(url, .image), (caption, .captions)] + [id].compactMap(\.self).map { ($0, .id) }
            + Fact.allCases.compactMap { fact in facts[fact].map { ($0, ColumnUse(fact)) } }
    }
}

/// Whether `bytes` can be a URL or a path; otherwise they are an image, whose format the decoder knows or names.
///
/// Every image file has bytes near its start that no text has.
private func mayBeURL(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= 16 << 10, String(validating: bytes, as: UTF8.self) != nil else { return false }
    return bytes.allSatisfy { $0 >= 32 || [9, 10, 13].contains($0) }
}
