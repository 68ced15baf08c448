import Foundation

/// `caption` as BLIP and BLIP-2 are trained on it: lower case, punctuation that says little turned to spaces, runs of
/// white space made one space, at most `wordLimit` words.
///
/// Source: salesforce/LAVIS `lavis/processors/blip_processors.py`, `BlipCaptionProcessor.pre_caption`.
package func cleanedCaption(_ caption: String, wordLimit: Int = 50) -> String {
    var text = caption.lowercased().replacing(/[.!"()*#:;~]/, with: " ").replacing(/\s{2,}/, with: " ")
    while text.last == "\n" { text.removeLast() }
    text = text.trimmingCharacters(in: CharacterSet(charactersIn: " "))
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    return words.count > wordLimit ? words.prefix(wordLimit).joined(separator: " ") : text
}
