/// Cuts a lower-case text into words, digits and runs of other characters.
///
/// Source: the regular expression of openai/CLIP `simple_tokenizer.py`:
/// `<|startoftext|>`, `<|endoftext|>`, `'s 't 're 've 'm 'll 'd`, letters, one number, others but white space.
enum CLIPWords {
    static let start = Array("<|startoftext|>".unicodeScalars)
    static let end = Array("<|endoftext|>".unicodeScalars)

    private static let contractions = ["s", "t", "re", "ve", "m", "ll", "d"].map { Array($0.unicodeScalars) }

    /// Calls `body` with each word of a text from the web, which is cleaned first.
    static func forEach(inWeb text: String, _ body: (ArraySlice<Unicode.Scalar>) -> Void) {
        forEach(in: WebText.cleaned(text).withSingleSpaces.lowercased, body)
    }

    /// Calls `body` with each word, in order.
    static func forEach(in text: [Unicode.Scalar], _ body: (ArraySlice<Unicode.Scalar>) -> Void) {
        var place = 0
        while place < text.count {
            guard !text[place].isSpace else {
                place += 1
                continue
            }
            let end = wordEnd(text, place)
            body(text[place..<end])
            place = end
        }
    }

    private static func wordEnd(_ text: [Unicode.Scalar], _ place: Int) -> Int {
        let rest = text[place...]
        for special in [start, end] where rest.starts(with: special) { return place + special.count }
        if text[place] == "'", let letters = contractions.first(where: { rest.dropFirst().starts(with: $0) }) {
            return place + 1 + letters.count
        }
        if text[place].isNumber { return place + 1 }
        if text[place].isLetter { return rest.firstIndex { !$0.isLetter } ?? text.count }
        return rest.firstIndex { $0.isLetter || $0.isNumber || $0.isSpace } ?? text.count
    }
}
