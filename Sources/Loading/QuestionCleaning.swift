import Foundation

/// `question` as BLIP and BLIP-2 are trained on it: lower case, without punctuation that says little, at most `wordLimit` words.
///
/// Source: LAVIS `lavis/processors/blip_processors.py`, `BlipQuestionProcessor.pre_question`.
public func blipQuestion(_ question: String, wordLimit: Int = 50) -> String {
    var text = question.lowercased().replacing(/[.!"()*#:;~]/, with: "")
    while let last = text.last, last.isWhitespace { text.removeLast() }
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    return words.count > wordLimit ? words.prefix(wordLimit).joined(separator: " ") : text
}
