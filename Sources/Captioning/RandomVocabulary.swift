import TextTokenizers

/// Vocabularies of ordinary words for random checkpoints, as the two kinds of tokenizer have them.
enum RandomVocabulary {
    /// What the captions of a random captioner are made of.
    static let words = """
        a an the this one two three four five some many with and of in on at by near under over behind beside between
        above below left right top bottom middle corner picture photo image drawing scene background pattern texture
        red green blue yellow orange purple pink brown black white gray dark light bright pale striped dotted plain
        square circle triangle star ring cross diamond ball box line shape shapes object objects thing
        small large tiny big long short round flat old new wooden metal paper stone grass sand water sky
        is are has lies stands sits hangs floats rests looks seen next to side inside outside front
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    static func isWord(_ token: String) -> Bool { words.contains(token) }

    /// WordPiece tokens: these words, letters for others, and fill.
    static func wordPieces(atLeast count: Int) -> WordPieceVocabulary {
        WordPieceVocabulary(words: words, atLeast: count)
    }

    /// Byte-pair tokens: all bytes, these words built letter by letter, and fill.
    static func bytePairs(atLeast count: Int) -> BytePairVocabulary {
        var merges: [BytePairVocabulary.Merge] = []
        var known: Set<String> = []
        for word in words {
            let pieces = word.dropLast().map(String.init) + [String(word.suffix(1)) + "</w>"]
            for (place, piece) in pieces.enumerated().dropFirst() {
                let start = pieces[..<place].joined()
                if known.insert(start + piece).inserted { merges.append(BytePairVocabulary.Merge(start, piece)) }
            }
        }
        return BytePairVocabulary(merges: merges, atLeast: count)
    }
}
