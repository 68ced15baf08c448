package import Manifests
import Samples

/// One JSON object a line.
package struct JSONLSource: RecordList {
    package let name: String
    let paths: [String]
    let imageRoots: [String]
    private let columns: Columns

    /// The rows of `paths`, in that order; `columns` are keys of the objects.
    package init(name: String, paths: [String], columns: Columns = .standard, imageRoots: [String] = []) {
        (self.name, self.paths, self.columns, self.imageRoots) = (name, paths, columns, imageRoots)
    }

    func records(of path: String, at offset: Int?) throws(SourceError) -> any RecordReader {
        try LineReader(path, at: offset ?? 0)
    }

    func meaning(of path: String) throws(SourceError) -> @Sendable ([UInt8]) -> ListedFields {
        { [columns] in ListedFields(json: $0, columns) }
    }
}

extension ListedFields {
    /// What the JSON object `bytes` says under the keys `columns`.
    init(json bytes: [UInt8], _ columns: Columns) {
        guard let object = JSONFields(bytes) else {
            self.init(fault: "not a JSON object")
            return
        }
        self.init(object, columns)
    }

    init(_ object: JSONFields, _ columns: Columns) {
        func text(_ column: String?) -> String { column.map(object.text) ?? "" }
        url = object.text(columns.url)
        captions = object.texts(columns.caption)
        sourceID = text(columns.id)
        facts = RowFacts(columns.facts ?? FactColumns(), text: object.text, number: object.number)
    }
}

extension RowFacts {
    /// The facts that stand in `columns`, whose values `text` and `number` give.
    init(_ columns: FactColumns, text: (String) -> String, number: (String) -> Double?) {
        func given(_ column: String?) -> String? { column.map(text).flatMap { $0.isEmpty ? nil : $0 } }
        func whole(_ column: String?) -> Int? { column.flatMap(number).flatMap { Int(exactly: $0.rounded()) } }
        self.init()
        (width, height) = (whole(columns.width), whole(columns.height))
        similarity = columns.similarity.flatMap(number)
        unsafe = columns.unsafe.flatMap(number)
        watermark = columns.watermark.flatMap(number)
        aesthetic = columns.aesthetic.flatMap(number)
        (nsfw, language) = (given(columns.nsfw), given(columns.language))
        (md5, sha256) = (given(columns.md5)?.lowercased(), given(columns.sha256)?.lowercased())
    }
}
