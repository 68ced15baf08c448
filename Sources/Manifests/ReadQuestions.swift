import Yams

extension RunSettings.QuestionFiles {
    static let want = "a list of {file: ..., annotations: ...}, questions about the set's images"

    /// The list `questions` of `reader`; nil where there is none.
    static func list(_ reader: MappingReader) throws(ManifestError) -> [Self]? {
        guard let node = reader.node("questions") else { return nil }
        guard case .sequence(let items) = node, !items.isEmpty else {
            throw reader.fault(.wrongType, "questions", "want \(want)")
        }
        var files: [Self] = []
        for (index, item) in items.enumerated() {
            files.append(try Self(MappingReader(item, path: reader.full("questions") + "[\(index)]")))
        }
        return files
    }

    private init(_ reader: MappingReader) throws(ManifestError) {
        file = try reader.string(reader.required("file", "add it: a JSON file of questions"), "file")
        annotations = try reader.optionalString("annotations")
        weight = try reader.double("weight", default: 1, want: "more than 0 and at most 1") { $0 > 0 && $0 <= 1 }
        try reader.finish()
    }
}
