import Foundation

/// What the official scorers make of an answer before they compare it.
///
/// Source: GT-Vision-Lab/VQA `vqaEval.py`, `processPunctuation` and `processDigitArticle`.
enum AnswerText {
    private static let marks = ";/[]\"{}()=+\\_-><@`,?!".map { String($0) }
    /// At most so many dots are removed: the reference gives a flag's value where a count is wanted.
    private static let dotLimit = 32
    private static let numbers = [
        "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
        "seven": "7",
        "eight": "8", "nine": "9", "ten": "10",
    ]
    private static let articles: Set<String> = ["a", "an", "the"]

    /// Line ends and tabs as spaces, none at the ends.
    static func plain(_ text: String) -> String {
        let spaced = text.unicodeScalars.map { $0 == "\n" || $0 == "\t" ? " " : $0 }
        let first = spaced.firstIndex { !$0.isPythonSpace } ?? spaced.count
        let last = spaced.lastIndex { !$0.isPythonSpace } ?? first - 1
        return String(String.UnicodeScalarView(spaced[first..<(last + 1)]))
    }

    /// Without marks: removed where the text has one beside a space, or a comma between digits; a space elsewhere.
    static func withoutMarks(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        let hasNumber = scalars.indices.dropFirst().dropLast().contains {
            scalars[$0] == "," && scalars[$0 - 1].isDecimalDigit && scalars[$0 + 1].isDecimalDigit
        }
        var result = scalars
        for mark in marks.compactMap(\.unicodeScalars.first) {
            let isBesideSpace = scalars.indices.dropFirst().contains {
                (scalars[$0 - 1] == mark && scalars[$0] == " ") || (scalars[$0 - 1] == " " && scalars[$0] == mark)
            }
            if hasNumber || isBesideSpace {
                result.removeAll { $0 == mark }
            } else {
                result = result.map { $0 == mark ? " " : $0 }
            }
        }
        return withoutDots(result)
    }

    /// Dots go, but for those in front of a digit.
    private static func withoutDots(_ scalars: [Unicode.Scalar]) -> String {
        var (kept, removed) = (String.UnicodeScalarView(), 0)
        for (place, scalar) in scalars.enumerated() {
            let isNumber = place + 1 < scalars.count && scalars[place + 1].isDecimalDigit
            if scalar == ".", !isNumber, removed < dotLimit { removed += 1 } else { kept.append(scalar) }
        }
        return String(kept)
    }

    /// In lower case, number words as digits, without articles, contractions with their apostrophe.
    static func withDigits(_ text: String) -> String {
        let words = text.inLowerCase.unicodeScalars.split(whereSeparator: \.isPythonSpace).map { String($0) }
        let kept = words.map { numbers[$0] ?? $0 }.filter { !articles.contains($0) }
        return kept.map { contractions[$0] ?? $0 }.joined(separator: " ")
    }
}

extension Unicode.Scalar {
    /// What Python's `str.split` takes for white space.
    var isPythonSpace: Bool { properties.isWhitespace || (value >= 0x1c && value <= 0x1f) }

    var isDecimalDigit: Bool { properties.generalCategory == .decimalNumber }
}
