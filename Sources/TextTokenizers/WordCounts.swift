/// How often each word stands in texts: what vocabularies are learnt from.
package struct WordCounts: Sendable {
    /// Whose words: the kinds of tokenizer clean and cut texts in their own ways.
    package enum Splitting: Sendable {
        /// As `BERTWordPieceTokenizer` does by default.
        case wordPiece
        /// As `CLIPTokenizer` does with texts from the web.
        case bytePair
        /// As `ByteLevelTokenizer` does: a word takes the space in front of it along.
        case byteLevel
        /// As `UnigramTokenizer` does without a table of characters: `▁` and what stands between white space.
        case unigram
    }

    package let splitting: Splitting
    /// The words are bytes: texts that differ only in their composition are two words, as they are to a tokenizer.
    private(set) var counts: [[UInt8]: Int] = [:]

    /// No words yet.
    package init(_ splitting: Splitting) { self.splitting = splitting }

    /// Counts the words of `texts`.
    package init(_ splitting: Splitting, of texts: some Sequence<String>) {
        self.init(splitting)
        for text in texts { add(text) }
    }

    /// Counts the words of `text`.
    package mutating func add(_ text: String) {
        switch splitting {
        case .wordPiece:
            let normalizer = BERTNormalizer.standard
            for word in normalizer.words(of: normalizer.normalized(text)) { count(word) }
        case .bytePair:
            CLIPWords.forEach(inWeb: text) { word in
                if word != CLIPWords.start[...], word != CLIPWords.end[...] { count(word) }
            }
        case .unigram:
            for word in text.unicodeScalars.split(whereSeparator: { $0.isSpace || $0 == "▁" }) { count(["▁"] + word) }
        case .byteLevel: ByteLevelWords.forEach(in: Array(text.unicodeScalars)) { count($0) }
        }
    }

    /// The words, the most frequent first, of equally frequent ones the first in the order of their bytes.
    var ranked: [(word: [UInt8], count: Int)] { rank(counts) }

    private mutating func count(_ word: ArraySlice<Unicode.Scalar>) {
        counts[Array(String(String.UnicodeScalarView(word)).utf8), default: 0] += 1
    }
}

/// The keys of `counts`, the most frequent first, of equally frequent ones the first in the order of their bytes.
func rank(_ counts: [[UInt8]: Int]) -> [(word: [UInt8], count: Int)] {
    counts.map { (word: $0.key, count: $0.value) }.sorted { left, right in
        left.count == right.count ? left.word.lexicographicallyPrecedes(right.word) : left.count > right.count
    }
}
