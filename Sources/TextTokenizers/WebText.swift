import Foundation

/// Repairs text from the web: wrong encodings, entities, curly quotes, ligatures, wide letters, control characters, line
/// ends.
///
/// Source: ftfy 6.3.1 (Robyn Speer, Apache License 2.0) `fix_text` with its defaults, then Python's `html.unescape` twice,
/// as openai/CLIP `basic_clean` calls them. Surrogates, which ftfy joins too, cannot be in a text here.
package enum WebText {
    /// ftfy repeats its steps until nothing changes; a text nested deeper than this keeps its innermost entities.
    private static let roundLimit = 64
    /// ftfy repairs at most so many characters at once.
    private static let lineLimit = 1_000_000

    static func cleaned(_ text: String) -> [Unicode.Scalar] {
        let repaired = repaired(text)
        return HTMLText.unescaped(HTMLText.unescaped(repaired))
    }

    /// `text` as ftfy's `fix_text` makes it.
    package static func fixed(_ text: String) -> String { repaired(text).text }

    private static func repaired(_ text: String) -> [Unicode.Scalar] {
        let scalars = Array(text.unicodeScalars)
        var repaired: [Unicode.Scalar] = []
        var (start, isUnescaping) = (0, true)
        while start < scalars.count {
            let lineEnd = scalars[start...].firstIndex(of: "\n").map { $0 + 1 } ?? scalars.count
            let line = Array(scalars[start..<min(lineEnd, start + lineLimit)])
            isUnescaping = isUnescaping && !line.contains("<")  // what follows a tag is HTML, whose entities are meant
            repaired += self.repaired(line, isUnescaping)
            start += line.count
        }
        return repaired
    }

    private static func repaired(_ line: [Unicode.Scalar], _ isUnescaping: Bool) -> [Unicode.Scalar] {
        var line = line
        for _ in 0..<roundLimit {
            let before = line
            if isUnescaping { line = HTMLText.unescapedWhereCertain(line) }
            if !line.isASCII { line = uncurled(Mojibake.repaired(line).map(HTMLText.windows1252)) }
            line = withoutTerminalEscapes(withPlainLineEnds(line)).filter { !isControl($0) }.composed
            if line == before { break }
        }
        return line
    }

    /// Ligatures as their letters, wide letters as usual ones, curly quotes as straight ones, in this order.
    private static func uncurled(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(line.count)
        for scalar in line {
            switch scalar.value {
            case 0..<0x132: result.append(scalar)
            case 0x149: result += ["'", "n"]
            case 0x132...0x1f3, 0xfb00...0xfb06: result += ligatures[scalar] ?? [scalar]
            case 0x2bc, 0x2018...0x201b: result.append("'")
            case 0x201c...0x201f: result.append("\"")
            case 0x3000: result.append(" ")
            case 0xff01...0xffef: result += String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars
            default: result.append(scalar)
            }
        }
        return result
    }

    private static func withPlainLineEnds(_ line: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        for (place, scalar) in line.enumerated() {
            switch scalar {
            case "\r": if place + 1 == line.count || line[place + 1] != "\n" { result.append("\n") }
            case "\u{2028}", "\u{2029}", "\u{85}": result.append("\n")
            default: result.append(scalar)
            }
        }
        return result
    }

    private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
        "\u{132}": ["I", "J"], "\u{133}": ["i", "j"],
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
