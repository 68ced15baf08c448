/// Tokens that are found in a text as they are, before it is cut into words: `[SEP]`, `<|endoftext|>`.
///
/// Source: tokenizers `AddedVocabulary`; its flag `single_word` is not looked at.
struct AddedTokens {
    /// A stretch of text, or a token found between two of them.
    enum Part {
        case text(String)
        case token(Int)
    }

    private struct Pattern {
        let text: [UInt8]
        let id: Int
        let takesSpace: (before: Bool, behind: Bool)
    }

    private let specialIDs: Set<Int>
    /// Those looked for in raw and in normalised text, by first byte, the longest first.
    private let patterns: (raw: [UInt8: [Pattern]], normalized: [UInt8: [Pattern]])

    /// The tokens that `files` list and the `special` ones, all of which become part of `vocabulary`.
    ///
    /// Special tokens that the vocabulary lacks get the next ids in their order; `normalize` is what happens to a text
    /// before tokens marked `normalized` are looked for in it.
    init(
        _ files: TokenizerFiles, special: [[UInt8]], to vocabulary: inout Vocabulary, normalize: (String) -> String
    ) throws(TokenizerError) {
        var tokens: [[UInt8]: ListedToken] = [:]
        for token in try ListedToken.all(in: files) where !token.content.isEmpty {
            tokens[token.content] = token
            vocabulary.insert(token.content, token.id)
        }
        for content in special where tokens[content]?.isSpecial != true {
            let id = vocabulary.ids[content] ?? vocabulary.nextID
            tokens[content] = ListedToken(content: content, id: id, isNormalized: false, isSpecial: true)
            vocabulary.insert(content, id)
        }
        specialIDs = Set(tokens.values.filter(\.isSpecial).map(\.id))
        let raw = tokens.values.filter { !$0.isNormalized }.map {
            Pattern(text: $0.content, id: $0.id, takesSpace: $0.takesSpace)
        }
        let normalized = tokens.values.filter(\.isNormalized).map { token in
            let text = normalize(String(decoding: token.content, as: UTF8.self))
            return Pattern(text: Array(text.utf8), id: token.id, takesSpace: token.takesSpace)
        }
        patterns = (Self.byFirstByte(raw), Self.byFirstByte(normalized))
    }

    func isSpecial(_ id: Int) -> Bool { specialIDs.contains(id) }

    /// Cuts `text` at the tokens in it, leftmost first, the longest where several start at one place.
    ///
    /// Each token is looked for either in raw or in `normalized` text.
    func split(_ text: String, normalized: Bool) -> [Part] {
        let patterns = normalized ? patterns.normalized : patterns.raw
        guard !patterns.isEmpty else { return [.text(text)] }
        let bytes = Array(text.utf8)
        var parts: [Part] = []
        var (start, place) = (0, 0)
        while place < bytes.count {
            guard let found = patterns[bytes[place]]?.first(where: { bytes[place...].starts(with: $0.text) }) else {
                place += 1
                continue
            }
            var end = place
            while found.takesSpace.before, let length = bytes.spaceLength(before: end), end - length >= start {
                end -= length
            }
            if start < end { parts.append(.text(String(decoding: bytes[start..<end], as: UTF8.self))) }
            parts.append(.token(found.id))
            place += found.text.count
            while found.takesSpace.behind, let length = bytes.spaceLength(at: place) { place += length }
            start = place
        }
        if start < place { parts.append(.text(String(decoding: bytes[start...], as: UTF8.self))) }
        return parts
    }

    private static func byFirstByte(_ patterns: [Pattern]) -> [UInt8: [Pattern]] {
        let longestFirst = patterns.filter { !$0.text.isEmpty }.sorted { $0.text.count > $1.text.count }
        return Dictionary(grouping: longestFirst) { $0.text[0] }
    }
}
