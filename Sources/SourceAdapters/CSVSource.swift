package import Manifests

/// Delimited text with named or numbered columns, with or without header and quoting.
package struct CSVSource: RecordList {
    package let name: String
    package let paths: [String]
    let imageRoots: [String]
    private let table: TextTable
    private let columns: Columns
    private var delimiter: UInt8 { table.delimiter.utf8.first ?? UInt8(ascii: ",") }
    private var quotedDelimiter: UInt8? { table.quoting == .rfc4180 ? delimiter : nil }

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

    func records(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
        let reader = try LineReader(path, at: offset ?? 0, quotedBy: quotedDelimiter)
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
        return { [columns, places, width = header?.count, delimiter, isQuoted = quotedDelimiter != nil] line in
            guard let parts = fields(of: line, delimiter: delimiter, quoted: isQuoted) else {
                return ListedFields(fault: "a quote that is never closed")
            }
            guard parts.count > needed, width == nil || parts.count == width else {
                return ListedFields(
                    url: parts.count > url ? text(of: parts[url]) : "",
                    fault: "\(parts.count) fields, not \(width.map(String.init) ?? "at least \(needed + 1)")")
            }
            func cell(_ name: String) -> String { places[name].map { text(of: parts[$0]) } ?? "" }
            return ListedFields(
                url: text(of: parts[url]), captions: captions.map { text(of: parts[$0]) },
                sourceID: columns.id.map(cell) ?? "",
                facts: RowFacts(columns.facts ?? FactColumns(), text: cell) { Double(cell($0)) })
        }
    }

    private func readHeader(_ path: String) throws(SourceError) -> [String] {
        guard case .text(let bytes) = try LineReader(path, quotedBy: quotedDelimiter).next(),
            let names = fields(of: bytes, delimiter: delimiter, quoted: quotedDelimiter != nil)
        else {
            throw SourceError(.malformed, path, "line 1: want a header with the columns' names")
        }
        return names.map(text(of:))
    }

    private func column(_ name: String, _ header: [String]?, _ path: String) throws(SourceError) -> Int {
        if let index = header?.firstIndex(of: name) { return index }
        if let number = Int(name), header.map({ number < $0.count }) ?? true { return number }
        let names = (header ?? []).joined(separator: ", ")
        throw SourceError(.malformed, path, "line 1: no column \(name); the header has \(names)")
    }
}
