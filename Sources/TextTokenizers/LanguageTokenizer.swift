/// The tokenizer of a language model: text to ids and back.
///
/// Ids, special tokens and text are those of transformers' fast tokenizer of the same files.
package protocol LanguageTokenizer: Sendable {
    /// The id of the token that ends a text.
    var endID: Int { get }
    /// The id that fills up short rows; the end's where the files name none.
    var paddingID: Int { get }
    /// The id after the last one.
    var idLimit: Int { get }
    /// The ids that an encoded text begins and ends with: `</s>` first for OPT, `</s>` last for T5.
    var frame: TokenFrame { get }
    /// The most ids that a text may have, by the files' `model_max_length`; `.max` where they name no limit.
    var longestText: Int { get }

    /// The ids of `text` alone. Special tokens that stand in the text are found.
    func pieces(of text: String) -> [Int]

    /// The id of a token by its text, such as `<image>`; nil where the vocabulary has none.
    func id(of token: String) -> Int?

    /// Whether the token is left out of decoded text on request.
    func isSpecial(_ id: Int) -> Bool

    /// What the token `id` adds to a decoded text, of which it `isFirst`; nil for unknown ids.
    ///
    /// UTF-8, but for byte-level tokens, which may hold a part of a character.
    func bytes(of id: Int, isFirst: Bool) -> [UInt8]?

    /// What happens to a whole decoded text.
    func cleaned(_ text: String) -> String
}

/// The ids that an encoded text begins and ends with.
package struct TokenFrame: Sendable, Equatable {
    package let first: [Int]
    package let last: [Int]

    var count: Int { first.count + last.count }
}

extension LanguageTokenizer {
    /// The ids of `text` with those that the model expects around them; at most `limit`, cut at the end of the text.
    package func encode(_ text: String, limit: Int = .max) -> [Int] {
        precondition(limit >= frame.count, "\(limit) ids have no room for special tokens")
        return frame.first + pieces(of: text).prefix(limit - frame.count) + frame.last
    }

    /// The text of `ids`.
    ///
    /// What is no UTF-8 reads U+FFFD; unknown ids say nothing.
    package func decode(_ ids: [Int], skipSpecialTokens: Bool) -> String {
        var stream = TextStream(self, skipSpecialTokens: skipSpecialTokens)
        var text = ids.reduce(into: "") { $0 += stream.append($1) }
        text += stream.finish()
        return cleaned(text)
    }

    package func cleaned(_ text: String) -> String { text }
}

/// Text as its tokens come, in whole characters: all parts joined are what `decode` makes of the same ids before it cleans
/// spaces up.
package struct TextStream: Sendable {
    private let tokenizer: any LanguageTokenizer
    private let isSkippingSpecialTokens: Bool
    private var isFirst = true
    /// The bytes of a character whose end has not come yet: at most 3.
    private var pending: [UInt8] = []

    package init(_ tokenizer: any LanguageTokenizer, skipSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        isSkippingSpecialTokens = skipSpecialTokens
    }

    /// The text that the token `id` completes.
    package mutating func append(_ id: Int) -> String {
        if isSkippingSpecialTokens, tokenizer.isSpecial(id) { return "" }
        guard let bytes = tokenizer.bytes(of: id, isFirst: isFirst) else { return "" }
        isFirst = false
        pending += bytes
        let whole = pending.count - pending.unfinishedCount
        defer { pending.removeFirst(whole) }
        return String(decoding: pending[..<whole], as: UTF8.self)
    }

    /// What is left when no token comes any more: U+FFFD for a character without its end.
    package mutating func finish() -> String {
        defer { (pending, isFirst) = ([], true) }
        return String(decoding: pending, as: UTF8.self)
    }
}

extension [UInt8] {
    /// How many bytes at the end begin a character of UTF-8 that more bytes could complete.
    fileprivate var unfinishedCount: Int {
        for length in 1...3 where length <= count {
            let tail = self[(count - length)...]
            guard let first = tail.first, first & 0xc0 != 0x80 else { continue }
            let wanted = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1
            guard first < 0xf5, wanted > length else { return 0 }
            // The second byte decides whether the first can be the beginning of anything.
            guard let second = tail.dropFirst().first else { return length }
            let range: ClosedRange<UInt8> =
                switch first {
                case 0xe0: 0xa0...0xbf
                case 0xed: 0x80...0x9f
                case 0xf0: 0x90...0xbf
                case 0xf4: 0x80...0x8f
                default: 0x80...0xbf
                }
            return range.contains(second) ? length : 0
        }
        return 0
    }
}
