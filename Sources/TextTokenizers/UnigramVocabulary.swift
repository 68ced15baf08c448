import Foundation

/// Pieces with scores for T5's tokenizer, to be written for a new model.
///
/// It starts from the strings that stand most often in the words, and drops those that the best cuts of the words use least,
/// until few enough are left.
///
/// Source: Kudo, "Subword Regularization", section 3.2, with the best cut of each word instead of all cuts.
package struct UnigramVocabulary: Sendable {
    private static let special = ["<pad>", "</s>", "<unk>"]
    /// A piece has at most so many characters.
    private static let longestPiece = 12
    /// What is kept in a round, of the pieces that are too many.
    private static let keptShare = 0.75

    /// The pieces by id, T5's special ones first.
    package let pieces: [(text: String, score: Double)]

    /// The vocabulary of at most `limit` pieces, or of all characters where they are more, for these words.
    package static func learn(from counts: WordCounts, limit: Int) -> UnigramVocabulary {
        precondition(counts.splitting == .unigram, "words are cut as the tokenizer cuts them")
        let words = counts.ranked
        var (characters, strings): ([[UInt8]: Int], [[UInt8]: Int]) = ([:], [:])
        for (word, count) in words {
            let scalars = Array(String(decoding: word, as: UTF8.self).unicodeScalars)
            for start in scalars.indices {
                for end in start + 1...min(scalars.count, start + longestPiece) {
                    let text = Array(Array(scalars[start..<end]).text.utf8)
                    if end == start + 1 {
                        characters[text, default: 0] += count
                    } else {
                        strings[text, default: 0] += count
                    }
                }
            }
        }
        let target = max(0, limit - special.count - characters.count)
        let worth = strings.filter { $0.value > 1 }.reduce(into: [[UInt8]: Int]()) {
            $0[$1.key] = $1.value * $1.key.count
        }
        let singles = rank(characters)
        var others = Array(rank(worth).prefix(4 * target))
        while true {
            let used = self.counts(of: singles + others, in: words)
            let counted = zip(singles + others, used).map { (word: $0.word, count: $1) }
            // Of equally useful ones the more frequent string comes first, and then the first in the order before.
            others = counted.dropFirst(singles.count).enumerated().sorted { left, right in
                let (a, b) = (left.element, right.element)
                if a.count != b.count { return a.count > b.count }
                let (ofA, ofB) = (worth[a.word] ?? 0, worth[b.word] ?? 0)
                return ofA == ofB ? left.offset < right.offset : ofA > ofB
            }.map(\.element)
            guard others.count > target else { return UnigramVocabulary(counted) }
            others = Array(others.prefix(max(target, Int(Double(others.count) * keptShare))))
        }
    }

    /// How often each piece is used in the best cuts of the words.
    private static func counts(
        of pieces: [(word: [UInt8], count: Int)], in words: [(word: [UInt8], count: Int)]
    ) -> [Int] {
        let scored = zip(pieces, scores(pieces)).map { UnigramModel.Piece(text: $0.word, score: $1) }
        let unigram = UnigramPieces(scored, unknownID: scored.count)
        var used = [Int](repeating: 0, count: pieces.count)
        for (word, count) in words {
            var ids: [Int] = []
            unigram.append(word, to: &ids)
            for id in ids { used[id] += count }
        }
        return used
    }

    /// Logarithms of the pieces' shares; a piece that is not used counts as half a use.
    private static func scores(_ pieces: [(word: [UInt8], count: Int)]) -> [Double] {
        let total = pieces.reduce(0.0) { $0 + max(0.5, Double($1.count)) }
        return pieces.map { log(max(0.5, Double($0.count)) / total) }
    }

    private init(_ pieces: [(word: [UInt8], count: Int)]) {
        let ranked = rank(Dictionary(uniqueKeysWithValues: pieces.map { ($0.word, $0.count) }))
        let learnt = zip(ranked, Self.scores(ranked)).map {
            (text: String(decoding: $0.word, as: UTF8.self), score: $1)
        }
        self.pieces = Self.special.map { (text: $0, score: 0) } + learnt
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into the folder `directory`, as `UnigramTokenizer` and
    /// transformers load them.
    package func write(to directory: String) throws(TokenizerError) {
        let vocabulary = pieces.map { piece in
            let escaped = piece.text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return "[\"\(escaped)\",\(piece.score)]"
        }
        let added = Self.special.enumerated().map { id, token in
            "{\"id\":\(id),\"content\":\"\(token)\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                + "\"normalized\":false,\"special\":true}"
        }
        try writeTokenizerFile(
            """
            {"version":"1.0","truncation":null,"padding":null,"added_tokens":[\(added.joined(separator: ","))],
            "normalizer":null,
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},
            {"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}]},
            "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},
            {"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},
            {"SpecialToken":{"id":"</s>","type_id":0}},{"Sequence":{"id":"B","type_id":0}},
            {"SpecialToken":{"id":"</s>","type_id":0}}],
            "special_tokens":{"</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}},
            "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
            "model":{"type":"Unigram","unk_id":2,"byte_fallback":false,"vocab":[\(vocabulary.joined(separator: ","))]}}

            """, "tokenizer.json", directory)
        try writeTokenizerFile(
            """
            {"eos_token": "</s>", "extra_ids": 0, "pad_token": "<pad>", "tokenizer_class": "T5Tokenizer", "unk_token": "<unk>"}

            """, "tokenizer_config.json", directory)
    }
}
