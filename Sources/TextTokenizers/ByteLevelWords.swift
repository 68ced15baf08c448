/// Cuts a text into words as GPT-2 does: a word takes the space in front of it along.
///
/// Source: the regular expression of tokenizers `ByteLevel`:
/// `'s 't 're 've 'm 'll 'd`, ` ?` letters, ` ?` numbers, ` ?` others but white space, white space but for the last of it
/// in front of a word.
enum ByteLevelWords {
    private static let contractions = ["s", "t", "re", "ve", "m", "ll", "d"].map { Array($0.unicodeScalars) }

    private enum Kind { case letter, number, space, other }

    /// Calls `body` with each word, in order; all of them joined are the text.
    static func forEach(in text: [Unicode.Scalar], _ body: (ArraySlice<Unicode.Scalar>) -> Void) {
        var place = 0
        while place < text.count {
            let end = wordEnd(text, place)
            body(text[place..<end])
            place = end
        }
    }

    private static func wordEnd(_ text: [Unicode.Scalar], _ place: Int) -> Int {
        let rest = text[place...]
        if text[place] == "'", let letters = contractions.first(where: { rest.dropFirst().starts(with: $0) }) {
            return place + 1 + letters.count
        }
        let hasSpace = text[place] == " " && place + 1 < text.count && !text[place + 1].isSpace
        let first = hasSpace ? place + 1 : place
        let kind = kind(text[first])
        let end = text[first...].firstIndex { Self.kind($0) != kind } ?? text.count
        // The last of several spaces goes to the word behind them, or is a word of its own if it is no plain space.
        return kind == .space && end < text.count && end - place > 1 ? end - 1 : end
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if scalar.isSpace { return .space }
        return scalar.isLetter ? .letter : scalar.isNumber ? .number : .other
    }
}
