import Foundation

/// Pieces with their scores, and how a text is normalised before it is cut into them.
struct UnigramModel {
    /// What a piece is, as SentencePiece numbers it.
    enum Kind: Int {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    struct Piece {
        let text: [UInt8]
        /// A natural logarithm.
        let score: Double
        var kind = Kind.normal
    }

    /// The pieces by id.
    let pieces: [Piece]
    /// How characters are replaced; nil where they stay as they are.
    let characters: CharacterMap?

    /// Reads `tokenizer.json`, or `spiece.model` where there is none.
    init(_ files: TokenizerFiles) throws(TokenizerError) {
        if let tokenizer = files.tokenizer {
            try self.init(tokenizer, files.path("tokenizer.json"))
        } else if let bytes = try files.bytes("spiece.model") {
            try self.init(sentencePiece: bytes, files)
        } else {
            throw files.missing("spiece.model")
        }
    }

    private init(_ tokenizer: JSONValue, _ path: String) throws(TokenizerError) {
        let model = tokenizer["model"] ?? .null
        if let type = model["type"], type.string?.elementsEqual("Unigram".utf8) != true {
            throw TokenizerError(.malformed, path, "its model is \(type.shown), not Unigram")
        }
        guard let listed = model["vocab"]?.array else {
            throw TokenizerError(.malformed, path, "want pieces and scores at model.vocab")
        }
        pieces = try listed.enumerated().map { id, entry throws(TokenizerError) in
            guard let pair = entry.array, pair.count == 2, let text = pair[0].string, case .number(let score) = pair[1]
            else { throw TokenizerError(.malformed, path, "model.vocab: piece \(id): want a text and a score") }
            return Piece(text: text, score: score)
        }
        try Self.checkPreparation(tokenizer, path)
        characters = try Self.characters(tokenizer["normalizer"], path)
    }

    private init(sentencePiece bytes: [UInt8], _ files: TokenizerFiles) throws(TokenizerError) {
        let path = files.path("spiece.model")
        let file = try SentencePieceFile(bytes, path)
        let extra = files.config?["extra_ids"]
        guard let count = extra == nil ? 100 : extra?.tokenID, count <= 10_000 else {
            throw TokenizerError(
                .unsupported, files.path("tokenizer_config.json"), "extra_ids: want a number, 0 to 10000")
        }
        // T5's own tokens stand behind all pieces, the last one first.
        let own = (0..<count).reversed().map { Piece(text: Array("<extra_id_\($0)>".utf8), score: 0, kind: .control) }
        pieces = file.pieces + own
        characters = file.characterMap.isEmpty ? nil : try CharacterMap(file.characterMap, path)
    }

    /// Words are cut at white space, and `▁` is put in front of each: the same in all forms that `tokenizer.json` has had.
    private static func checkPreparation(_ tokenizer: JSONValue, _ path: String) throws(TokenizerError) {
        guard let preparation = tokenizer["pre_tokenizer"] else { return }
        for step in preparation["pretokenizers"]?.array ?? [preparation] {
            let isAlways =
                step["prepend_scheme"]?.string?.elementsEqual("always".utf8)
                ?? step["add_prefix_space"]?.bool ?? true
            switch step["type"]?.string.map({ String(decoding: $0, as: UTF8.self) }) {
            case "WhitespaceSplit": continue
            case "Metaspace"
            where isAlways && step["split"]?.bool ?? true
                && step["replacement"]?.string?.elementsEqual("▁".utf8) ?? true:
                continue
            default:
                throw TokenizerError(
                    .unsupported, path,
                    "pre_tokenizer: want WhitespaceSplit and Metaspace that puts ▁ before every word, as T5's have")
            }
        }
    }

    /// The character map of a normalizer, which may also strip the ends and join runs of spaces: cutting does that anyway.
    private static func characters(_ normalizer: JSONValue?, _ path: String) throws(TokenizerError) -> CharacterMap? {
        guard let normalizer else { return nil }
        var characters: CharacterMap?
        for step in normalizer["normalizers"]?.array ?? [normalizer] {
            switch step["type"]?.string.map({ String(decoding: $0, as: UTF8.self) }) {
            case "Strip": continue
            case "Replace" where step["pattern"]?["Regex"]?.string?.elementsEqual(" {2,}".utf8) == true: continue
            case "Precompiled" where characters == nil:
                let text = step["precompiled_charsmap"]?.string ?? []
                guard let bytes = Data(base64Encoded: Data(text)) else {
                    throw TokenizerError(.malformed, path, "normalizer.precompiled_charsmap: want base64")
                }
                characters = bytes.isEmpty ? nil : try CharacterMap([UInt8](bytes), path)
            default:
                throw TokenizerError(
                    .unsupported, path,
                    "normalizer: \(step["type"]?.shown ?? "none") is not supported, only Precompiled as T5's have")
            }
        }
        return characters
    }
}
