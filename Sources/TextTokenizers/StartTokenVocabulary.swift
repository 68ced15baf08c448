import Foundation

/// The vocabulary of a BERT's tokenizer with `[DEC]`, which begins a text that is to be generated, as the last token.
///
/// Source: LAVIS `blip2.py`, `Blip2Base.init_tokenizer`.
package struct StartTokenVocabulary: Sendable {
    package static let startToken = "[DEC]"

    private let tokens: [[UInt8]]
    private let configuration: [String: Value]

    private enum Value: Encodable {
        case text(String)
        case flag(Bool)
        case number(Int)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .flag(let flag): try container.encode(flag)
            case .number(let number): try container.encode(number)
            }
        }
    }

    /// How many tokens it has.
    package var count: Int { tokens.count }

    /// The tokens, one a line.
    package var text: String { tokens.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined() }

    /// The vocabulary of the tokenizer in the folder `directory`, with `[DEC]` behind it where it has none.
    ///
    /// A captioner's has `[ENC]` behind `[DEC]`, which is left out.
    ///
    /// - Throws: `unsupported` where words come behind `[DEC]`.
    package init(directory: String) throws(TokenizerError) {
        let tokenizer = try BERTWordPieceTokenizer(directory: directory)
        var tokens = tokenizer.tokens
        if let place = tokenizer.id(of: Self.startToken) {
            let others = tokens[(place + 1)...].map { String(decoding: $0, as: UTF8.self) }
            if let word = others.first(where: { $0 != "[ENC]" }) {
                throw TokenizerError(
                    .unsupported, directory,
                    "\(word) comes behind \(Self.startToken), which must be the last token of the vocabulary")
            }
            tokens = Array(tokens[...place])
        } else {
            tokens.append(Array(Self.startToken.utf8))
        }
        self.tokens = tokens
        let files = try TokenizerFiles(directory: directory)
        func special(_ key: String, _ standard: String) -> Value {
            .text(files.specialToken(key).map { String(decoding: $0, as: UTF8.self) } ?? standard)
        }
        let normalizer = BERTNormalizer(files)
        configuration = [
            "bos_token": .text(Self.startToken), "cls_token": special("cls_token", "[CLS]"),
            "do_lower_case": .flag(normalizer.isLowercasing), "mask_token": special("mask_token", "[MASK]"),
            "model_max_length": .number(512), "pad_token": special("pad_token", "[PAD]"),
            "sep_token": special("sep_token", "[SEP]"), "strip_accents": .flag(normalizer.isStrippingAccents),
            "tokenize_chinese_chars": .flag(normalizer.isSpacingCJK), "tokenizer_class": .text("BertTokenizer"),
            "unk_token": special("unk_token", "[UNK]"),
        ]
    }

    /// Writes `vocab.txt` and `tokenizer_config.json` into the folder `directory`, as `BERTWordPieceTokenizer` and
    /// transformers load them.
    package func write(to directory: String) throws(TokenizerError) {
        try writeTokenizerFile(text, "vocab.txt", directory)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let json = try encoder.encode(configuration)
            try writeTokenizerFile(String(decoding: json, as: UTF8.self) + "\n", "tokenizer_config.json", directory)
        } catch let error as TokenizerError {
            throw error
        } catch {
            preconditionFailure("texts, flags and numbers are plain data: \(error)")
        }
    }
}
