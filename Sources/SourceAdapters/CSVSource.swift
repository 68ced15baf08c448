package import Manifests

/// Delimited text with named or numbered columns, with or without header and quoting.
package struct CSVSource: RecordList {
    package let name: String
    package let paths: [String]
    let imageRoots: [String]
    private let table: TextTable
    private let columns: Columns
    private var delimiter: UInt8 { table.delimiter.utf8.first ?? UInt8(ascii: ",") }
    private var quoting: FieldQuoting? {
        table.quoting == .rfc4180 ? FieldQuoting(delimiter: delimiter, escape: table.escape?.utf8.first) : nil
    }

    /// The rows of `paths`, in that order; each file has its own header where `table` says that there are any.
    package init(
        name: String, paths: [String], table: TextTable = .standard, columns: Columns = .standard,
        imageRoots: [String] = []
    ) {
        self.columns = columns
        self.name = name
        self.paths = paths
        self.table = table
        self.imageRoots = imageRoots
    }

    var wanted: String { "delimited text" }

    func records(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
        let width = table.header && quoting != nil ? try readHeader(path).count : nil
        let reader = try LineReader(path, at: offset ?? 0, quoting: quoting, width: width)
        if offset == nil, table.header { _ = try reader.skip() }
        return reader
    }

    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields {
        let header = table.header ? try readHeader(path) : nil
        let url = try column(columns.url, header, path)
        // A header may name the caption's column several times: an image has as many captions.
        let named = header?.indices.filter { header?[$0] == columns.caption } ?? []
        let captions = named.isEmpty ? [try column(columns.caption, header, path)] : named
        var places: [String: Int] = [:]
        for name in [columns.id].compactMap(\.self) + (columns.facts?.names ?? []) {
            places[name] = try column(name, header, path)
        }
        let needed = (captions + [url] + places.values).max() ?? 0
        return { [columns, places, width = header?.count, delimiter, quoting] line in
            let parts = fields(of: line, delimiter: delimiter, quoting: quoting)
            guard parts.count > needed, width == nil || parts.count == width else {
                return ListedFields(
                    url: parts.count > url ? urlText(of: parts[url]) : "",
                    fault: "\(parts.count) fields, not \(width.map(String.init) ?? "at least \(needed + 1)")")
            }
            func cell(_ name: String) -> String { places[name].map { text(of: parts[$0]) } ?? "" }
            var row = ListedFields(
                url: urlText(of: parts[url]), captions: captions.map { text(of: parts[$0]) },
                sourceID: columns.id.map(cell) ?? "")
            if let facts = columns.facts {
                row.facts = RowFacts(facts, text: cell) { (name) throws(ValueFault) in try number(cell(name), name) }
                row.known = Set(Fact.allCases.filter { facts[$0] != nil })
            }
            return row
        }
    }

    func likelyCause(_ path: String) throws(SourceError) -> String {
        let cause = try causeInShape(path)
        guard cause.isEmpty, table.header else { return cause }
        return "; is the first line a header? Do texts contain the delimiter without quotes?"
    }

    /// What the first lines say against the delimiter, or against delimited text; empty where nothing does.
    private func causeInShape(_ path: String) throws(SourceError) -> String {
        let head = try someBytes(of: path)
        let isArray = firstToken(of: head) == UInt8(ascii: "[") && head.prefix(100).contains(UInt8(ascii: "{"))
        if isArray || firstToken(of: head) == UInt8(ascii: "{") {
            return "; this looks like JSON: read it with format: jsonl"
        }
        let lines = head.split(separator: UInt8(ascii: "\n"), maxSplits: 20).prefix(20)
        func count(_ byte: UInt8) -> Int { lines.filter { $0.contains(byte) }.count }
        if count(delimiter) * 2 < lines.count,
            let other = ["\t", ",", ";", "|"].first(where: {
                $0 != table.delimiter && count($0.utf8.first ?? 0) == lines.count
            })
        {
            return "; the delimiter may be \(other.debugDescription): set it with delimiter"
        }
        return ""
    }

    private func readHeader(_ path: String) throws(SourceError) -> [String] {
        guard case .text(let bytes) = try LineReader(path, quoting: quoting).next() else {
            throw SourceError(.malformed, path, "line 1: want a header with the columns' names")
        }
        return fields(of: bytes, delimiter: delimiter, quoting: quoting).map(text(of:))
    }

    private func column(_ name: String, _ header: [String]?, _ path: String) throws(SourceError) -> Int {
        let places = header?.indices.filter { header?[$0] == name } ?? []
        if let index = places.first {
            guard places.count == 1 || name == columns.caption else {
                throw SourceError(
                    .malformed, path,
                    "line 1: \(places.count) columns are called \(name): rename all but one")
            }
            return index
        }
        if let number = Int(name), header.map({ number < $0.count }) ?? true { return number }
        let names = (header ?? []).joined(separator: ", ")
        let cause = try causeInShape(path)
        throw SourceError(.malformed, path, "line 1: no column \(name); the header has \(names)\(cause)")
    }
}
