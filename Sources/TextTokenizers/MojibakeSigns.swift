/// What wrongly decoded text is told by: sequences of characters that nobody writes.
///
/// Source: ftfy 6.3.1 (Robyn Speer, Apache License 2.0): `MOJIBAKE_CATEGORIES` and `BADNESS_RE` of `badness.py`;
/// `UTF8_CLUES` and `UTF8_DETECTOR_RE` of `chardata.py`.
enum MojibakeSigns {
    /// A stretch of a text.
    struct Part {
        let scalars: ArraySlice<Unicode.Scalar>
        /// Whether it looks like UTF-8 that was read byte by byte.
        let isSuspect: Bool
    }

    /// Whether `text` has a sequence that nobody writes.
    static func areSeen(in text: [Unicode.Scalar]) -> Bool {
        let numbers = text.map(\.value)
        // Every such sequence has a character beyond ASCII among its first three.
        var last = -1
        for place in numbers.indices.reversed() {
            if numbers[place] >= 0x80 { last = place }
            guard last >= 0, last - place < 3 else { continue }
            if sequences.length(in: numbers, at: place) > 0 || isLetterAfterMark(text, numbers, place) { return true }
        }
        return beginnings.length(in: numbers, at: 0) > 0
    }

    /// Accented letter, mark, letter of any script: the one rule with a class that is too large to be listed.
    private static func isLetterAfterMark(_ text: [Unicode.Scalar], _ numbers: [UInt32], _ place: Int) -> Bool {
        guard place + 2 < text.count, letterBeforeMark.length(in: numbers, at: place) > 0 else {
            return false
        }
        let last = text[place + 2]
        return last == "_" || last.isLetter || last.isNumber || last.properties.numericType != nil
    }

    /// Sorts of characters, in hexadecimal.
    private static let sorts = [
        "common": "a0 ad b4 b7 2013-2015 2019 2026",  // seen everywhere
        "control": "80-9f",
        "bad": "a4 a6 a8 aa ac af b8 ba 192 2c6-2c7 2d8 2db-2dc 2020-2021 2030 2310 25ca fffd",  // hardly ever meant
        "law": "a7 b6",
        "currency": "a2-a3 a5 20a7 20ac",
        "start": "a1 a9 ab bf 384-385 2018 201a 201c 201e 2022 2039 f8ff",  // marks before a word
        "end": "ae bb 2dd 201d 203a 2122",  // marks behind a word
        "numeric": """
        b1-b3 b5 b9 bc-be d7 f7 2044 2116 2202 2206 220f 2211 221a 221e 2229 222b 2248 2260-2261 2264-2265
        """,
        "face": "b0 d2-d6 d9-dc f2-f6 f8-fc 14c 150 16a 172",  // letters that faces are made of
        "upper": """
        c0-d1 d8 dc-dd 100 102 104 106 10c 10e 110 112 116 118 11a 11e 122 12a 130 136 139 13b 13d 141 143 145 147 152 \
        158 15a 15e 160 162 164 16e 170 178-179 17b 17d 490
        """,
        "lower": """
        df-f1 fc 101 103 105 107 10d 10f 111 113 117 119 11b 11f 123 12b 12f 137 13a 13c 13e 142 153 155 15b 15f 161 \
        165 17a 17c 17e 491 fb01-fb02
        """,
        "upperCommon": "de 386 388-38a 38c 38e-38f 391-3ab 401-42f",  // Greek and Cyrillic
        "lowerCommon": "3ac-3c9 430-45f",
        "box": "2502 250c 2510 2518 251c 2524 252c 253c 2550-256c 2580 2584 2588 258c 2590-2593",
        "latin": "41-5a 61-7a",
        "notLatin": "0-40 5b-60 7b-10ffff",
        "space": "9-d 1c-20 85 a0 1680 2000-200a 2028-2029 202f 205f 3000",
        "anything": "0-9 b-10ffff",
    ]

    private static func pattern(_ alternatives: [[String]]) -> SequencePattern {
        SequencePattern(alternatives, names: sorts)
    }

    private static let sequences = pattern(
        [
            ["control"],
            ["bad lower upper box start end currency numeric law", "bad"],
            ["latin", "lowerCommon upperCommon", "bad"],
            ["bad", "lower upper box start end currency numeric law"],
            ["lower lowerCommon box end currency numeric", "upper"],
            ["box end currency numeric", "lower"],
            ["lower box end", "currency"],
            ["space", "upper", "currency"],
            ["upper box", "numeric law"],
            ["lower upper box currency end", "start", "numeric"],
            ["lower upper currency numeric box law", "end", "start"],
            ["currency numeric box", "start"],
            ["61-7a", "upper", "start currency"],
            ["box", "face"],
            ["lower upper currency numeric start end law", "box"],
            ["box", "end"],
            ["152 153", "notLatin"],
            ["upper", "b0"],
        ] + windows + others)

    /// UTF-8 read as Windows-1252.
    private static let windows: [[String]] = [
        [
            "c2-c3 ce d0",
            "20ac 153 160 161 a2 a3 178 17e a0 ad ae a9 b0 b7 bb start end 2013 2014 b4",
        ],
        ["d7", "b2 b3"],
        [
            "d8 d9", "common currency bad numeric start 178 160 ae b0 b5 bb", "d8 d9",
            "common currency bad numeric start 178 160 ae b0 b5 bb",
        ],
        ["e0", "b2 b5 b9 bc bd be"],
        ["c3", "a0 a1"],
        ["61-7a", "c2 c3", "20"],
        ["61-7a", "space", "c2 c3", "20"],
        ["61-7a 2e 2c 3f 21 end", "c2", "20 start end"],
    ]

    /// UTF-8 read as Mac OS Roman, Windows-1251, Windows-1253, Windows-1257.
    private static let others: [[String]] = [
        ["221a", "b1 2202 2020 2260 ae 2122 b4 2264 2265 a5 b5 f8"],
        ["2248", "b0 a2"],
        ["201a", "c4", "ec ee ef f2 f4 f9 fa fb 2020 b0 a2 3c0"],
        ["201a", "e2 f3", "e0 e4 b0 ea"],
        ["432", "402"],
        ["412 413 420 421", "control bad start end currency b0 b5", "412 413 420 421"],
        ["413", "45e", "412", "402", "412", "anything", "latin 20"],
        ["3b2", "20ac", "2122 a0 386 ad ae b0"],
        ["392 393 39e 39f", "control bad start end currency b0", "392 393 39e 39f"],
        ["101", "20ac"],
    ]

    /// What counts at the start of a text only.
    private static let beginnings = pattern([["c2 c3", "20"]])

    private static let letterBeforeMark = pattern([["lower upper", "start end"]])
}

extension MojibakeSigns {
    private static let byteEncodings: [ByteEncoding] = [
        .latin1, .windows1252, .windows1251, .windows1250, .windows1253, .windows1254, .windows1257,
    ]

    /// What `bytes` read as, in any of the encodings.
    private static func readings(of bytes: ClosedRange<UInt8>) -> Set<Unicode.Scalar> {
        Set(byteEncodings.flatMap { encoding in bytes.map(encoding.scalar) })
    }

    private static let firstOfTwo = readings(of: 0xc2...0xdf)
    private static let firstOfThree = readings(of: 0xe0...0xef)
    /// Of the bytes that begin four, those that begin characters that are in use.
    private static let firstOfFour = readings(of: 0xf0...0xf0).union(readings(of: 0xf3...0xf3))
    private static let continuation = readings(of: 0x80...0xbf).union([" "])
    /// Those that do not often stand for themselves.
    private static let strictContinuation = readings(of: 0x80...0xbf).subtracting("–—―‘’‚“”„•…".unicodeScalars)

    /// `text`, cut where a part of it looks like UTF-8 that was read byte by byte.
    static func parts(of text: [Unicode.Scalar]) -> [Part] {
        var parts: [Part] = []
        var (start, place) = (0, 0)
        while place < text.count {
            let end = suspectEnd(text, place)
            guard end > place, place == 0 || !strictContinuation.contains(text[place - 1]) else {
                place += 1
                continue
            }
            if start < place { parts.append(Part(scalars: text[start..<place], isSuspect: false)) }
            parts.append(Part(scalars: text[place..<end], isSuspect: true))
            (start, place) = (end, end)
        }
        if start < text.count { parts.append(Part(scalars: text[start...], isSuspect: false)) }
        return parts
    }

    /// The end of the characters that could be bytes of UTF-8, one character after the other, from `place` on.
    private static func suspectEnd(_ text: [Unicode.Scalar], _ place: Int) -> Int {
        var end = place
        while end < text.count {
            let counts = [(firstOfTwo, 1), (firstOfThree, 2), (firstOfFour, 3)]
            let found = counts.first { firsts, count in
                firsts.contains(text[end]) && end + count < text.count
                    && text[(end + 1)...(end + count)].allSatisfy(continuation.contains)
            }
            guard let (_, count) = found else { break }
            end += 1 + count
        }
        return end
    }
}
