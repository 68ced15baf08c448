import Foundation

/// Repairs text from the web: entities, curly quotes, ligatures, wide letters, control characters, line ends.
///
/// Source: ftfy 6.3 `fix_text`, whose step for wrongly decoded text (mojibake) is left out, then Python's
/// `html.unescape` twice, as openai/CLIP `basic_clean` calls them.
enum WebText {
    /// ftfy repeats its steps until nothing changes; a text nested deeper than this keeps its innermost entities.
    private static let roundLimit = 8

    static func cleaned(_ text: String) -> [Unicode.Scalar] {
        var cleaned: [Unicode.Scalar] = []
        var isUnescaping = true
        for line in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false) {
            isUnescaping = isUnescaping && !line.contains("<")  // what follows a tag is HTML, whose entities are meant
            cleaned += repaired(Array(line), isUnescaping)
            cleaned.append("\n")
        }
        return HTMLText.unescaped(HTMLText.unescaped(cleaned))
    }

    private static func repaired(_ line: [Unicode.Scalar], _ isUnescaping: Bool) -> [Unicode.Scalar] {
        var line = line
        for _ in 0..<roundLimit {
            let before = line
            if isUnescaping { line = HTMLText.unescapedWhereCertain(line) }
            line = withoutTerminalEscapes(line.flatMap(repaired)).filter { !isControl($0) }.composed
            if line == before { break }
        }
        return line
    }

    private static func repaired(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar.value {
        case 0..<0x80: scalar == "\r" ? ["\n"] : [scalar]
        case 0x80...0x9f: [HTMLText.windows1252(scalar)]
        case 0x2bc, 0x2018...0x201b: ["'"]
        case 0x201c...0x201f: ["\""]
        case 0x2028, 0x2029: ["\n"]
        case 0x3000: [" "]
        case 0x132...0x1f3, 0xfb00...0xfb06: ligatures[scalar] ?? [scalar]
        case 0xff01...0xffef: Array(String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars)
        default: [scalar]
        }
    }

    private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
        "\u{132}": ["I", "J"], "\u{133}": ["i", "j"], "\u{149}": ["\u{2bc}", "n"],
        "\u{1f1}": ["D", "Z"], "\u{1f2}": ["D", "z"], "\u{1f3}": ["d", "z"],
        "\u{1c4}": ["D", "\u{17d}"], "\u{1c5}": ["D", "\u{17e}"], "\u{1c6}": ["d", "\u{17e}"],
        "\u{1c7}": ["L", "J"], "\u{1c8}": ["L", "j"], "\u{1c9}": ["l", "j"],
        "\u{1ca}": ["N", "J"], "\u{1cb}": ["N", "j"], "\u{1cc}": ["n", "j"],
        "\u{fb00}": ["f", "f"], "\u{fb01}": ["f", "i"], "\u{fb02}": ["f", "l"], "\u{fb03}": ["f", "f", "i"],
        "\u{fb04}": ["f", "f", "l"], "\u{fb05}": ["\u{17f}", "t"], "\u{fb06}": ["s", "t"],
    ]

    /// Characters that show nothing; those that make white space, join letters or set a direction stay.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00...0x08, 0x0b, 0x0e...0x1f, 0x7f, 0x206a...0x206f, 0xfeff, 0xfff9...0xfffc: true
        default: false
        }
    }

    /// Drops what sets colours in a terminal: escape, `[`, digits and semicolons, a letter.
    private static func withoutTerminalEscapes(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard line.contains("\u{1b}") else { return line }
        var result: [Unicode.Scalar] = []
        var place = 0
        while place < line.count {
            if line[place...].starts(with: ["\u{1b}", "["]),
                let end = line[(place + 2)...].firstIndex(where: { $0 != ";" && $0.properties.numericType != .decimal }
                ),
                line[end].isASCII, line[end].isLetter
            {
                place = end + 1
            } else {
                result.append(line[place])
                place += 1
            }
        }
        return result
    }
}
