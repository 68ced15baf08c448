extension TokenizerFiles {
    /// The ids that the template of `tokenizer.json` puts around a text; nil where it has none.
    ///
    /// Source: tokenizers `TemplateProcessing`, also as one step of a `Sequence`; `ByteLevel` adds no tokens.
    func frame(_ vocabulary: Vocabulary) throws(TokenizerError) -> TokenFrame? {
        guard let processor = tokenizer?["post_processor"] else { return nil }
        let steps = processor["processors"]?.array ?? [processor]
        var frame: TokenFrame?
        for step in steps {
            switch step["type"]?.string.map({ String(decoding: $0, as: UTF8.self) }) {
            case "ByteLevel": continue
            case "TemplateProcessing" where frame == nil: frame = try self.frame(step, vocabulary)
            default:
                throw TokenizerError(
                    .unsupported, path("tokenizer.json"),
                    "post_processor: want TemplateProcessing or ByteLevel, not \(step["type"]?.shown ?? "none")")
            }
        }
        return frame
    }

    private func frame(_ template: JSONValue, _ vocabulary: Vocabulary) throws(TokenizerError) -> TokenFrame {
        var parts: [[Int]] = [[]]
        for part in template["single"]?.array ?? [] {
            if let token = part["SpecialToken"]?["id"]?.string, let id = vocabulary.ids[token] {
                parts[parts.count - 1].append(id)
            } else if part["Sequence"] != nil {
                parts.append([])
            } else {
                throw TokenizerError(
                    .malformed, path("tokenizer.json"),
                    "post_processor.single: want tokens of the vocabulary around one text; fetch the model again")
            }
        }
        guard parts.count == 2 else {
            throw TokenizerError(.malformed, path("tokenizer.json"), "post_processor.single: want one text in it")
        }
        return TokenFrame(first: parts[0], last: parts[1])
    }
}
