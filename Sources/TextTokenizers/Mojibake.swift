/// Text that was decoded in a wrong encoding, and how it becomes readable again.
///
/// Source: ftfy 6.3.1 (Robyn Speer, Apache License 2.0): `fix_encoding`, with its defaults, and `badness.py`, whose
/// classes of characters and unlikely sequences are written down here.
enum Mojibake {
    /// More wrong decodings on top of each other than this are left.
    private static let roundLimit = 64

    private static let encodings: [ByteEncoding] = [
        .latin1, .windows1252, .windows1251, .windows1250, .windows1253, .windows1254, .windows1257, .iso8859Part2,
        .macRoman, .codePage437,
    ]
    private static let macRoman = 8

    /// `text` with all wrong decodings undone that can be told from what was meant.
    static func repaired(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var text = text
        for _ in 0..<roundLimit {
            let next = repairedOnce(text)
            if next == text { break }
            text = next
        }
        return text
    }

    private static func repairedOnce(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard !text.isASCII, MojibakeSigns.areSeen(in: text) else { return text }
        // 1. UTF-8, read byte by byte.
        for (number, encoding) in encodings.enumerated() {
            guard var bytes = encoding.encoded(text) else { continue }
            // In Mac OS Roman an en dash and a space would look alike.
            if number != macRoman, LostBytes.hasSpaces(bytes) { bytes = LostBytes.withRestoredSpaces(bytes) }
            if encoding.isSloppy { bytes = LostBytes.withMarkedLosses(bytes) }
            if let decoded = LooseUTF8.decoded(bytes) { return decoded }
        }
        // 2. The same, in a part of the text.
        let parts = MojibakeSigns.parts(of: text)
        let mended = parts.flatMap { part in
            part.isSuspect && part.scalars.count < text.count && MojibakeSigns.areSeen(in: Array(part.scalars))
                ? repaired(Array(part.scalars)) : Array(part.scalars)
        }
        if mended != text { return mended }
        // 3. Windows-1252, read as Latin-1.
        return text.map(HTMLText.windows1252)
    }
}

/// Bytes of UTF-8 that were changed on the way.
private enum LostBytes {
    /// Byte A0, a space that does not break, which became an ordinary one: where the result is a likely character.
    private static let spaces = SequencePattern([
        ["c2 c3 c5 ce d0 d9", "20"], ["e2 e3", "20", "80-84 86-9f a1-bf"], ["e0-e3", "80-84 86-9f a1-bf", "20"],
        ["f0", "20", "80-bf", "80-bf"], ["f0", "80-bf", "20", "80-bf"], ["f0", "80-bf", "80-bf", "20"],
    ])

    /// Bytes that became U+FFFD (here 1A) or a question mark.
    private static let losses = SequencePattern([
        ["c2-df", "1a"], ["c2-c3", "3f"],
        ["ed", "a0-af", "1a 3f", "ed", "b0-bf", "1a 3f 80-bf"], ["ed", "a0-af", "1a 3f 80-bf", "ed", "b0-bf", "1a 3f"],
        ["e0-ef", "1a 3f", "1a 80-bf"], ["e0-ef", "1a 80-bf", "1a 3f"],
        ["f0-f4", "1a 3f", "1a 80-bf", "1a 80-bf"], ["f0-f4", "1a 80-bf", "1a 3f", "1a 80-bf"],
        ["f0-f4", "1a 80-bf", "1a 80-bf", "1a 3f"], ["1a"],
    ])

    /// The rest of Portuguese words that begin with an à.
    private static let endings = [" ", "quele", "quela", "quilo", "s "].map { Array($0.utf8) }

    static func hasSpaces(_ bytes: [UInt8]) -> Bool {
        let numbers = bytes.map(UInt32.init)
        return numbers.indices.contains { spaces.length(in: numbers, at: $0) > 0 }
    }

    static func withRestoredSpaces(_ bytes: [UInt8]) -> [UInt8] {
        var words: [UInt8] = []
        for (place, byte) in bytes.enumerated() {
            words.append(byte)
            // An à that stands alone lost its own space and kept the one behind it, both having become one.
            guard byte == 0xc3, place + 1 < bytes.count, bytes[place + 1] == 0x20 else { continue }
            let rest = bytes[(place + 2)...]
            if !endings.contains(where: rest.starts) { words.append(0xa0) }
        }
        return spaces.replacing(words) { $0.map { $0 == 0x20 ? 0xa0 : $0 } }
    }

    static func withMarkedLosses(_ bytes: [UInt8]) -> [UInt8] {
        losses.replacing(bytes) { _ in [0xef, 0xbf, 0xbd] }
    }
}

/// UTF-8, and the variants of it in which a character beyond U+FFFF is two surrogates, and U+0000 two bytes.
private enum LooseUTF8 {
    /// The text of `bytes`; nil where they are no such UTF-8.
    static func decoded(_ bytes: [UInt8]) -> [Unicode.Scalar]? {
        var text: [Unicode.Scalar] = []
        var place = 0
        while place < bytes.count {
            guard let (scalar, length) = character(bytes[place...]) else { return nil }
            text.append(scalar)
            place += length
        }
        return text
    }

    private static func character(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        guard let first = bytes.first else { return nil }
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        if bytes.starts(with: [0xc0, 0x80]) { return ("\0", 2) }
        if let pair = surrogates(Array(bytes.prefix(6)), isAtEnd: bytes.count == 6) { return (pair, 6) }
        let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
        guard first >= 0xc2, first <= 0xf4, bytes.count >= length else { return nil }
        var code = UInt32(first) & (0x7f >> UInt32(length))
        for byte in bytes.dropFirst().prefix(length - 1) {
            guard byte & 0xc0 == 0x80 else { return nil }
            code = code << 6 | UInt32(byte & 0x3f)
        }
        let least: [UInt32] = [0, 0, 0x80, 0x800, 0x1_0000]
        guard code >= least[length], let scalar = Unicode.Scalar(code) else { return nil }
        return (scalar, length)
    }

    private static func surrogates(_ bytes: [UInt8], isAtEnd: Bool) -> Unicode.Scalar? {
        guard bytes.count == 6, bytes[0] == 0xed, bytes[3] == 0xed, bytes[1] & 0xf0 == 0xa0, bytes[4] & 0xf0 == 0xb0,
            bytes[2] & 0xc0 == 0x80
        else { return nil }
        // The reference takes the end of a line for a missing last byte.
        guard bytes[5] & 0xc0 == 0x80 || (isAtEnd && bytes[5] == 0x0a) else { return nil }
        let (high, low) = (UInt32(bytes[1] & 0xf) << 16 | UInt32(bytes[2] & 0x3f) << 10, UInt32(bytes[4] & 0xf) << 6)
        return Unicode.Scalar((high | low | UInt32(bytes[5] & 0x3f)) + 0x1_0000)
    }
}
