/// Cuts captions into words as the usual caption evaluation does: Penn Treebank tokens in lower case, marks left out.
///
/// A line break in a caption, of any kind, is a space. The reference tokenizes all captions in one file, a line each, and
/// replaces only `\n`: behind another line separator every caption belongs to the wrong image there.
///
/// Source: pycocoevalcap 1.2 `tokenizer/ptbtokenizer.py`; decisions/0051.
package struct PTBTokenizer {
    /// Tokens that do not count.
    ///
    /// The reference means to drop brackets too, but writes them in upper case.
    private static let dropped: Set<String> = ["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
    private static let brackets: [Unicode.Scalar: String] = [
        "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    ]
    private static let quotes: [Unicode.Scalar: String] = [
        "\u{91}": "`", "\u{92}": "'", "\u{93}": "``", "\u{94}": "''", "\u{2018}": "`", "\u{2019}": "'", "\u{201b}": "`",
        "\u{201c}": "``", "\u{201d}": "''", "«": "``", "»": "''", "‹": "`", "›": "'",
    ]
    /// Tokens that are written in another way.
    private static let replacements: [String: String] = [
        "&lt;": "<", "&gt;": ">", "&amp;": "&", "\u{80}": "$", "\u{a4}": "$", "\u{20a0}": "$", "\u{20ac}": "$",
        "\u{a2}": "cents", "\u{a3}": "#", "\u{bc}": "1/4", "\u{bd}": "1/2", "\u{be}": "3/4", "\u{2153}": "1/3",
        "\u{2154}": "2/3",
    ]

    private var matcher: LongestMatch
    private var parts: [Int: (head: LongestMatch, tail: LongestMatch)] = [:]

    package init() {
        let rules = PTBPatterns.rules
        matcher = LongestMatch(rules.map { rule in rule.behind.map { "(\(rule.pattern))(\($0))" } ?? rule.pattern })
        for (number, rule) in rules.enumerated() {
            guard let behind = rule.behind else { continue }
            parts[number] = (LongestMatch([rule.pattern]), LongestMatch([behind]))
        }
    }

    /// The words of `caption`.
    ///
    /// A word holds no space; a fraction such as `1 1/2` or a phone number holds U+00A0.
    package mutating func words(of caption: String) -> [String] {
        let text = caption.unicodeScalars.map { $0.properties.isWhitespace && $0 != "\u{a0}" ? " " : $0 }
        // Some tokens are told by what follows them: the end is like white space.
        let units = Array(String(String.UnicodeScalarView(text)).utf16) + [0x20]
        var (words, place): ([String], Int) = ([], 0)
        while place < units.count {
            guard let match = matcher.match(units, at: place) else {
                place += 1  // neither a token nor a part of one
                continue
            }
            let end = place + headLength(match, units, place)
            let token = String(decoding: units[place..<end], as: UTF16.self)
            if let word = Self.word(token, PTBPatterns.rules[match.pattern].kind) { words.append(word) }
            place = end
        }
        return words
    }

    /// How much of a match is the token: all, but for what must only follow it.
    private mutating func headLength(_ match: LongestMatch.Match, _ units: [UInt16], _ place: Int) -> Int {
        guard var (head, tail) = parts[match.pattern] else { return match.length }
        defer { parts[match.pattern] = (head, tail) }
        let text = Array(units[place..<place + match.length])
        for length in (1..<match.length).reversed()
        where head.match(Array(text[..<length]), at: 0)?.length == length
            && tail.match(text, at: length)?.length == match.length - length
        {
            return length
        }
        preconditionFailure("a pattern of two parts matches where its parts do not")
    }

    /// The token as a word; nil for marks that do not count.
    private static func word(_ token: String, _ kind: PTBPatterns.Kind) -> String? {
        let word: String
        switch kind {
        case .plain: word = replacements[token] ?? token
        case .text: word = token.replacing("&amp;", with: "&").replacing("\u{ad}", with: "")
        case .suffix: word = written(token.replacing("&apos;", with: "'"), ["\u{92}": "'", "\u{2019}": "'"])
        case .quotes: word = written(token, quotes)
        case .brackets: word = written(token, brackets)
        case .smiley: word = written(token, brackets.filter { $0.key == "(" || $0.key == ")" })
        case .spaced: word = token.replacing(" ", with: "\u{a0}")
        case .phone: word = written(token.replacing(" ", with: "\u{a0}"), brackets)
        case .dash: return nil
        }
        return word.isEmpty || dropped.contains(word) ? nil : word.inLowerCase
    }

    private static func written(_ token: String, _ replacements: [Unicode.Scalar: String]) -> String {
        token.unicodeScalars.map { replacements[$0] ?? String($0) }.joined()
    }
}
