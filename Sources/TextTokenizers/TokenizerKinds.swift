/// What a tokenizer's files may say, for it to be the tokenizer that it is taken for.
struct TokenizerKind: Sendable {
    /// The classes of transformers that make these tokens.
    let classes: [String]
    /// Keys of `tokenizer_config.json` that would change tokens, and the value that they may have.
    let settings: [(key: String, value: JSONValue)]
    /// The same of `tokenizer.json`, under the key of its part.
    let parts: [(part: String, key: String, value: JSONValue)]

    static let bert = TokenizerKind(
        classes: ["BertTokenizer", "BertTokenizerFast"],
        settings: common + [
            ("do_basic_tokenize", .bool(true)), ("never_split", .array([])),
            ("wordpieces_prefix", .string(Array("##".utf8))),
        ],
        parts: [
            ("normalizer", "type", .string(Array("BertNormalizer".utf8))), ("normalizer", "clean_text", .bool(true)),
            ("pre_tokenizer", "type", .string(Array("BertPreTokenizer".utf8))),
            ("decoder", "type", .string(Array("WordPiece".utf8))), ("decoder", "prefix", .string(Array("##".utf8))),
            ("model", "continuing_subword_prefix", .string(Array("##".utf8))),
            ("model", "max_input_chars_per_word", .number(100)),
        ])

    /// Normalizer and pre-tokenizer are not looked at: texts are cleaned and cut as openai/CLIP does it.
    static let clip = TokenizerKind(
        classes: ["CLIPTokenizer", "CLIPTokenizerFast"],
        settings: common + [("add_prefix_space", .bool(false)), ("truncation_side", .string(Array("right".utf8)))],
        parts: [
            ("model", "continuing_subword_prefix", .string([])),
            ("model", "end_of_word_suffix", .string(Array("</w>".utf8))), ("model", "dropout", .number(0)),
            ("model", "fuse_unk", .bool(false)), ("model", "byte_fallback", .bool(false)),
            ("model", "ignore_merges", .bool(false)),
        ])

    static let byteLevel = TokenizerKind(
        classes: ["GPT2Tokenizer", "GPT2TokenizerFast"],
        settings: common + [
            ("add_prefix_space", .bool(false)), ("add_eos_token", .bool(false)),
            ("truncation_side", .string(Array("right".utf8))), ("errors", .string(Array("replace".utf8))),
        ],
        parts: [
            ("normalizer", "type", .null), ("pre_tokenizer", "type", .string(Array("ByteLevel".utf8))),
            ("pre_tokenizer", "add_prefix_space", .bool(false)), ("pre_tokenizer", "use_regex", .bool(true)),
            ("decoder", "type", .string(Array("ByteLevel".utf8))), ("model", "continuing_subword_prefix", .string([])),
            ("model", "end_of_word_suffix", .string([])), ("model", "dropout", .number(0)),
            ("model", "fuse_unk", .bool(false)), ("model", "byte_fallback", .bool(false)),
            ("model", "ignore_merges", .bool(false)),
        ])

    static let unigram = TokenizerKind(
        classes: ["T5Tokenizer", "T5TokenizerFast"],
        settings: common + [
            ("add_bos_token", .bool(false)), ("add_eos_token", .bool(true)),
            ("truncation_side", .string(Array("right".utf8))),
        ],
        parts: [
            ("decoder", "type", .string(Array("Metaspace".utf8))),
            ("decoder", "replacement", .string(Array("▁".utf8))),
            ("decoder", "prepend_scheme", .string(Array("always".utf8))),
            ("decoder", "add_prefix_space", .bool(true)), ("model", "byte_fallback", .bool(false)),
        ])

    private static let common: [(key: String, value: JSONValue)] = [("split_special_tokens", .bool(false))]

    /// Classes that do what `tokenizer.json` says.
    static let general = ["PreTrainedTokenizerFast", "TokenizersBackend"]
}

extension TokenizerFiles {
    /// Refuses files that ask for other tokens than those of `kind`.
    func require(_ kind: TokenizerKind) throws(TokenizerError) {
        if let name = config?["tokenizer_class"] {
            let known = kind.classes + (tokenizer == nil ? [] : TokenizerKind.general)
            guard known.contains(where: { name.string?.elementsEqual($0.utf8) == true }) else {
                throw unsupported("tokenizer_config.json", "tokenizer_class", name, "only \(kind.classes[0])")
            }
        }
        for (key, value) in kind.settings {
            guard let found = config?[key], found != value else { continue }
            throw unsupported("tokenizer_config.json", key, found, "only \(value.shown)")
        }
        for (part, key, value) in kind.parts {
            guard let found = tokenizer?[part]?[key], found != value else { continue }
            throw unsupported("tokenizer.json", "\(part).\(key)", found, "only \(value.shown)")
        }
    }

    /// The most ids that a text may have, by `model_max_length`; at least 2.
    func longestText() throws(TokenizerError) -> Int {
        guard let value = config?["model_max_length"] else { return .max }
        guard case .number(let length) = value, length >= 2 else {
            throw unsupported("tokenizer_config.json", "model_max_length", value, "want at least 2")
        }
        return length < 0x1p53 ? Int(length) : .max  // files write 1e30 for no limit
    }

    private func unsupported(
        _ file: String, _ key: String, _ value: JSONValue, _ wanted: String
    ) -> TokenizerError {
        TokenizerError(.unsupported, path(file), "\(key): \(value.shown) is not supported, \(wanted)")
    }
}

extension JSONValue {
    /// The value as it stands in a message.
    var shown: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let bytes): "\"\(String(decoding: bytes.prefix(40), as: UTF8.self))\""
        case .array(let values): values.isEmpty ? "[]" : "a list"
        case .object: "an object"
        }
    }
}
