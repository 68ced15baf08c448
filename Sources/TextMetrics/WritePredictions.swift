import Files

extension Predictions {
    /// The keys that a file of predictions has for each item.
    package enum Form: Sendable {
        /// `image_id` and `caption`, as COCO's server takes them.
        case captions
        /// `question_id` and `answer`, as VQA's server takes them.
        case answers
        /// `questionId` and `prediction`, as GQA's script reads them.
        case gqa

        fileprivate var keys: (id: String, text: String) {
            switch self {
            case .captions: ("image_id", "caption")
            case .answers: ("question_id", "answer")
            case .gqa: ("questionId", "prediction")
            }
        }
    }

    /// Writes the texts of the items `ids`, those that have one, in that order to the file `path`, an item a line.
    ///
    /// Ids that are numbers are written as numbers, but for GQA.
    package func write(_ ids: some Sequence<String>, as form: Form, to path: String) throws {
        let keys = form.keys
        try writeFile(path) { file in
            var start = "[\n"
            for id in ids {
                guard let text = text(of: id) else { continue }
                let isNumber = form != .gqa && Int64(id).map(String.init) == id
                let shown = isNumber ? id : Self.quoted(id)
                try file.write(
                    Array("\(start){\"\(keys.id)\": \(shown), \"\(keys.text)\": \(Self.quoted(text))}".utf8))
                start = ",\n"
            }
            try file.write(Array((start == "[\n" ? "[]\n" : "\n]\n").utf8))
        }
    }

    /// `text` in JSON.
    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case let other where other.value < 0x20:
                "\\u" + String(repeating: "0", count: other.value < 0x10 ? 3 : 2) + String(other.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}
