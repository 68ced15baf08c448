/// Conceptual 12M: `url<TAB>caption` on each line, no header, no quoting; split at the first tab.
///
/// `<PERSON>`, which stands for names, is kept as it is. Source: the list `cc12m.tsv`.
package struct CC12MSource: RecordList {
    package let name: String
    package let paths: [String]
    let imageRoots: [String]

    /// The rows of `paths`, in that order.
    package init(name: String, paths: [String], imageRoots: [String] = []) {
        self.name = name
        self.paths = paths
        self.imageRoots = imageRoots
    }

    var wanted: String { "lines of url<TAB>caption" }

    func records(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
        try LineReader(path, at: offset ?? 0)
    }

    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields {
        { line in
            guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { return ListedFields(fault: "no tab") }
            return ListedFields(url: urlText(of: Array(line[..<tab])), captions: [text(of: Array(line[(tab + 1)...]))])
        }
    }
}
