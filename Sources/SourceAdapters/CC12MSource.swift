/// Conceptual 12M: `url<TAB>caption` on each line, no header, no quoting; split at the first tab.
///
/// `<PERSON>`, which stands for names, is kept as it is. Source: the list `cc12m.tsv`.
package struct CC12MSource: TextListSource {
    package let name: String
    package let paths: [String]
    let imageRoot: String?
    var quotedDelimiter: UInt8? { nil }
    var hasHeader: Bool { false }

    /// The rows of `paths`, in that order.
    package init(name: String, paths: [String], imageRoot: String? = nil) {
        self.name = name
        self.paths = paths
        self.imageRoot = imageRoot
    }

    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields {
        { line in
            guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { return ListedFields(fault: "no tab") }
            return ListedFields(url: text(of: Array(line[..<tab])), captions: [text(of: Array(line[(tab + 1)...]))])
        }
    }
}
