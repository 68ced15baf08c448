/// Cuts a word into the longest known pieces, from the left.
///
/// Source: tokenizers `WordPiece`, with its defaults: prefix `##`, at most 100 characters a word.
struct WordPieces {
    /// A longer word is unknown.
    static let characterLimit = 100
    static let prefix = Array("##".utf8)

    private let starts: [[UInt8]: Int]
    /// The pieces that go on inside a word, without their prefix.
    private let continuations: [[UInt8]: Int]
    private let longestByteCount: Int
    private let unknownID: Int

    init(_ vocabulary: Vocabulary, unknownID: Int) {
        starts = vocabulary.ids
        var continuations: [[UInt8]: Int] = [:]
        for (token, id) in vocabulary.ids where token.starts(with: Self.prefix) {
            continuations[Array(token.dropFirst(Self.prefix.count))] = id
        }
        self.continuations = continuations
        longestByteCount = vocabulary.ids.keys.map(\.count).max() ?? 0
        self.unknownID = unknownID
    }

    /// Appends the ids of the pieces of `word`, or the unknown token where it has no pieces.
    func append(_ word: ArraySlice<Unicode.Scalar>, to ids: inout [Int]) {
        guard word.count <= Self.characterLimit else { return ids.append(unknownID) }
        let bytes = Array(String(String.UnicodeScalarView(word)).utf8)
        let firstPiece = ids.count
        var start = 0
        while start < bytes.count {
            guard let (id, end) = longest(in: bytes, from: start) else {
                ids.removeSubrange(firstPiece...)
                return ids.append(unknownID)
            }
            ids.append(id)
            start = end
        }
    }

    /// A piece as it stands behind others: glued to them, or after a space when it starts a word.
    static func joined(_ token: [UInt8]) -> [UInt8] {
        token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [UInt8(ascii: " ")] + token
    }

    private func longest(in bytes: [UInt8], from start: Int) -> (id: Int, end: Int)? {
        let pieces = start == 0 ? starts : continuations
        var end = min(bytes.count, start + longestByteCount)
        while end > start {
            let isBoundary = end == bytes.count || bytes[end] & 0xc0 != 0x80
            if isBoundary, let id = pieces[Array(bytes[start..<end])] { return (id, end) }
            end -= 1
        }
        return nil
    }
}
