/// A caption as the metrics see it: its words as numbers, equal for words of the same bytes.
struct CaptionWords: Sendable, Equatable {
    /// As BLEU and CIDEr-D count them: a token that holds U+00A0 is several words.
    let words: [Int32]
    /// As ROUGE-L counts them: tokens, and one empty token for a caption without words.
    let tokens: [Int32]
}

/// Gives each word a number.
struct WordNumbers {
    private var numbers: [[UInt8]: Int32] = [:]

    mutating func caption(_ tokens: [String]) -> CaptionWords {
        let words = tokens.flatMap {
            $0.unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map(String.init)
        }
        return CaptionWords(
            words: words.map { number($0) }, tokens: (tokens.isEmpty ? [""] : tokens).map { number($0) })
    }

    private mutating func number(_ word: String) -> Int32 {
        let bytes = Array(word.utf8)
        if let known = numbers[bytes] { return known }
        numbers[bytes] = Int32(numbers.count)
        return Int32(numbers.count - 1)
    }
}

/// One to four words that follow each other.
struct NGram: Hashable {
    /// Numbers of words; −1 behind the last one.
    private let words: SIMD4<Int32>
    let length: Int

    static let longest = 4

    private init(_ slice: ArraySlice<Int32>) {
        var words = SIMD4<Int32>(repeating: -1)
        for (place, word) in slice.enumerated() { words[place] = word }
        (self.words, length) = (words, slice.count)
    }

    /// How often each n-gram stands in `words`.
    static func counts(in words: [Int32]) -> [NGram: Int] {
        var counts: [NGram: Int] = [:]
        for length in 1...longest where length <= words.count {
            for start in 0...words.count - length { counts[NGram(words[start..<start + length]), default: 0] += 1 }
        }
        return counts
    }
}
