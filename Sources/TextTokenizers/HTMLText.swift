/// Character references of HTML.
enum HTMLText {
    /// Resolves references that end in a semicolon, also of names in capitals.
    ///
    /// Source: ftfy 6.3 `unescape_html`.
    static func unescapedWhereCertain(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        replacingReferences(text) { rest in
            let isNumeric = rest.dropFirst().first == "#"
            let name = rest.dropFirst(isNumeric ? 2 : 1).prefix(24).prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber)
            }
            guard !name.isEmpty, name.endIndex < rest.endIndex, rest[name.endIndex] == ";" else { return nil }
            let length = name.endIndex + 1 - rest.startIndex
            if !isNumeric {
                let bytes = name.map { UInt8($0.value) }
                return (HTMLEntities.named[bytes] ?? HTMLEntities.inCapitals[bytes]).map { ($0, length) }
            }
            guard let (value, used) = number(rest.dropFirst()), used + 1 == length, !value.contains(";") else {
                return nil
            }
            return (value, length)
        }
    }

    /// Resolves all references, also those without a semicolon.
    ///
    /// Source: Python's `html.unescape`.
    static func unescaped(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        replacingReferences(text) { rest in
            let body = rest.dropFirst()
            if body.first == "#" { return number(body).map { ($0.value, $0.used + 1) } }
            let run = body.prefix(32).prefix { !"\t\n\u{c} <&#;".unicodeScalars.contains($0) }
            let name = run.prefix { $0.isASCII }.map { UInt8($0.value) }
            if name.count == run.count, run.endIndex < body.endIndex, body[run.endIndex] == ";",
                let value = HTMLEntities.named[name]
            {
                return (value, name.count + 2)
            }
            for length in stride(from: name.count, to: 1, by: -1) {
                let head = Array(name.prefix(length))
                if HTMLEntities.withoutSemicolon.contains(head), let value = HTMLEntities.named[head] {
                    return (value, length + 1)
                }
            }
            return nil
        }
    }

    /// What a byte 80 to 9F, wrongly read as Latin-1, stands for in Windows-1252.
    static func windows1252(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        let table = Array("€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ".unicodeScalars)
        return table.indices.contains(Int(scalar.value) - 0x80) ? table[Int(scalar.value) - 0x80] : scalar
    }

    /// Replaces what `resolve` makes of the text from an ampersand on: the value, and how many scalars it stood for.
    private static func replacingReferences(
        _ text: [Unicode.Scalar], _ resolve: (ArraySlice<Unicode.Scalar>) -> ([Unicode.Scalar], Int)?
    ) -> [Unicode.Scalar] {
        guard text.contains("&") else { return text }
        var result: [Unicode.Scalar] = []
        var place = 0
        while place < text.count {
            if text[place] == "&", let (value, length) = resolve(text[place...]) {
                result += value
                place += length
            } else {
                result.append(text[place])
                place += 1
            }
        }
        return result
    }

    /// The value of `#65`, `#x41` and the like, and how many scalars that was, with the semicolon if there is one.
    private static func number(_ body: ArraySlice<Unicode.Scalar>) -> (value: [Unicode.Scalar], used: Int)? {
        let isHexadecimal = body.dropFirst().first.map { $0 == "x" || $0 == "X" } ?? false
        let digits = body.dropFirst(isHexadecimal ? 2 : 1).prefix { scalar in
            scalar.isASCII && (isHexadecimal ? scalar.properties.isASCIIHexDigit : scalar.isNumber)
        }
        guard !digits.isEmpty else { return nil }
        let radix: UInt32 = isHexadecimal ? 16 : 10
        let code = digits.reduce(UInt32(0)) { code, digit in
            min(0x11_0000, code * radix + UInt32(Character(digit).hexDigitValue ?? 0))
        }
        let hasSemicolon = digits.endIndex < body.endIndex && body[digits.endIndex] == ";"
        return (value(of: code), digits.endIndex - body.startIndex + (hasSemicolon ? 1 : 0))
    }

    /// The text of a numeric reference; none where it names no character.
    private static func value(of code: UInt32) -> [Unicode.Scalar] {
        switch code {
        case 0: return ["\u{fffd}"]
        case 0x80...0x9f: return [windows1252(Unicode.Scalar(UInt8(code)))]
        case 0x01...0x08, 0x0b, 0x0e...0x1f, 0x7f, 0xfdd0...0xfdef: return []
        default:
            guard let scalar = Unicode.Scalar(code) else { return ["\u{fffd}"] }
            return code & 0xfffe == 0xfffe ? [] : [scalar]
        }
    }
}
