package import Manifests

/// Delimited text with named or numbered columns, with or without header and quoting.
package struct CSVSource: TextListSource {
    package let name: String
    package let paths: [String]
    let imageRoot: String?
    private let table: TextTable
    var isQuoted: Bool { table.quoting == .rfc4180 }
    var hasHeader: Bool { table.header }

    /// The rows of `paths`, in that order; each file has its own header where `table` says that there are any.
    package init(name: String, paths: [String], table: TextTable, imageRoot: String? = nil) {
        self.name = name
        self.paths = paths
        self.table = table
        self.imageRoot = imageRoot
    }

    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields {
        let (delimiter, quoted) = (table.delimiter.utf8.first ?? UInt8(ascii: ","), isQuoted)
        let header = table.header ? try readHeader(path, delimiter) : nil
        let url = try column(table.urlColumn, header, path)
        let caption = try column(table.captionColumn, header, path)
        var sourceID: Int?
        if let name = table.idColumn { sourceID = try column(name, header, path) }
        let needed = [url, caption, sourceID ?? 0].max() ?? 0
        return { [sourceID, width = header?.count] line in
            let parts = fields(of: line, delimiter: delimiter, quoted: quoted)
            guard parts.count > needed, width == nil || parts.count == width else {
                return ListedFields(
                    url: parts.count > url ? text(of: parts[url]) : "",
                    fault: "\(parts.count) fields, not \(width.map(String.init) ?? "at least \(needed + 1)")")
            }
            return ListedFields(
                url: text(of: parts[url]), caption: text(of: parts[caption]),
                sourceID: sourceID.map { text(of: parts[$0]) } ?? "")
        }
    }

    private func readHeader(_ path: String, _ delimiter: UInt8) throws(SourceError) -> [String] {
        guard case .text(var bytes) = try LineReader(path, quoted: isQuoted).next() else {
            throw SourceError(.malformed, path, "line 1: want a header with the columns' names")
        }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes.removeFirst(3) }
        return fields(of: bytes, delimiter: delimiter, quoted: isQuoted).map(text(of:))
    }

    private func column(_ name: String, _ header: [String]?, _ path: String) throws(SourceError) -> Int {
        if let index = header?.firstIndex(of: name) { return index }
        if let number = Int(name), header.map({ number < $0.count }) ?? true { return number }
        let names = (header ?? []).joined(separator: ", ")
        throw SourceError(.malformed, path, "line 1: no column \(name); the header has \(names)")
    }
}
