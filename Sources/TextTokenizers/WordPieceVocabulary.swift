/// A vocabulary of words for BERT's tokenizer, with letters for the words that it lacks, to be written for a new model.
package struct WordPieceVocabulary: Sendable, Equatable {
    /// The tokens by id.
    package let tokens: [String]

    private static let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    private static let last = ["[DEC]", "[ENC]"]
    /// Characters that are in every vocabulary: any English word can be written.
    private static let letters = "abcdefghijklmnopqrstuvwxyz0123456789!?',.-:&/".map(String.init)

    /// The least number of tokens: special ones, and the letters at the start of and inside words.
    package static let leastCount = special.count + 2 * letters.count + last.count

    /// Special tokens, `words`, letters and `characters` at the start of and inside words, fill where there are fewer
    /// than `count` tokens, and at the end `[DEC]` and `[ENC]`, as BLIP has them.
    package init(words: [String], characters: [String] = [], atLeast count: Int = 0) {
        var known: Set<[UInt8]> = []
        func new(_ tokens: [String]) -> [String] { tokens.filter { known.insert(Array($0.utf8)).inserted } }
        let characters = Self.letters + characters
        var tokens = new(Self.special) + new(words) + new(characters) + new(characters.map { "##" + $0 })
        tokens += (0..<max(0, count - tokens.count - Self.last.count)).map { "[unused\($0)]" }
        self.tokens = tokens + Self.last
    }

    /// The vocabulary of at most `limit` tokens, at least `leastCount`, for texts of these words.
    ///
    /// The most frequent words have a token each. At most half of the tokens are characters, the most frequent ones; a
    /// word with another character is `[UNK]`.
    package static func learn(from counts: WordCounts, limit: Int) -> WordPieceVocabulary {
        precondition(counts.splitting == .wordPiece, "words are cut as the tokenizer cuts them")
        precondition(limit >= leastCount, "\(limit) tokens, \(leastCount) is the least")
        let ranked = counts.ranked.map { (text: String(decoding: $0.word, as: UTF8.self), count: $0.count) }
        var frequency: [[UInt8]: Int] = [:]
        for (text, count) in ranked {
            for scalar in text.unicodeScalars { frequency[Array(String(scalar).utf8), default: 0] += count }
        }
        let known = Set(letters.map { Array($0.utf8) })
        let characters = rank(frequency).map(\.word).filter { !known.contains($0) }
            .prefix(max(0, (limit / 2 - leastCount) / 2)).map { String(decoding: $0, as: UTF8.self) }
        let words = ranked.map(\.text).filter { (2...WordPieces.characterLimit).contains($0.unicodeScalars.count) }
        let room = limit - leastCount - 2 * characters.count
        return WordPieceVocabulary(words: Array(words.prefix(room)), characters: characters)
    }

    /// Writes `vocab.txt` and `tokenizer_config.json` into the folder `directory`, as `BERTWordPieceTokenizer` and
    /// transformers load them.
    package func write(to directory: String) throws(TokenizerError) {
        try writeTokenizerFile(tokens.joined(separator: "\n") + "\n", "vocab.txt", directory)
        try writeTokenizerFile(
            """
            {"additional_special_tokens": ["[ENC]"], "bos_token": "[DEC]", "cls_token": "[CLS]", \
            "do_lower_case": true, "mask_token": "[MASK]", "model_max_length": 512, "pad_token": "[PAD]", \
            "sep_token": "[SEP]", "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"}

            """, "tokenizer_config.json", directory)
    }
}
