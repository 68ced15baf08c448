import BLIP2Models
import LanguageModels
import RandomNumbers
import TextTokenizers

/// How captions become what a language model is given and what it is to write.
///
/// A caption that has one of the options' marks in it, such as a question's `Answer:`, is given up to that mark.
///
/// Source: LAVIS `blip2_opt.py` and `blip2_t5.py`, `forward`, whose `text_input` is given and `text_output` written; Li et al.,
/// "BLIP-2", 2023, section 3.3.
struct CaptionSamples: Sendable {
    private enum Kind {
        /// A decoder: prompt and caption are one text, of which the first tokens are given.
        case decoder(promptCount: Int)
        /// An encoder and a decoder.
        case encoderDecoder(PhaseTwoOptions.Split, prompt: [Int])
    }

    private let tokenizer: any LanguageTokenizer
    private let kind: Kind
    private let prompt: String
    private let marks: [String]
    private let limit: Int
    private let endToken: Int

    /// Samples for a language model that ends a text with `endToken`; `isDecoder` says that it has no encoder.
    init(
        _ tokenizer: any LanguageTokenizer, isDecoder: Bool, endToken: Int, _ options: PhaseTwoOptions
    ) {
        self.tokenizer = tokenizer
        (prompt, marks, limit, self.endToken) = (options.prompt, options.splitAfter, options.textTokens, endToken)
        let bare = prompt.withoutSpacesAtEnd
        if isDecoder {
            let count = bare.isEmpty ? 0 : tokenizer.frame.first.count + tokenizer.pieces(of: bare).count
            kind = .decoder(promptCount: count)
        } else {
            kind = .encoderDecoder(options.split, prompt: tokenizer.pieces(of: bare))
        }
    }

    /// Stands among a caption's tokens behind those that are given, where a mark says which.
    private static let split = -1

    /// What of a caption does not change from step to step: its tokens, of a decoder's with all that stands around them.
    func tokens(of caption: String) -> [Int] {
        let end = caption.end(ofFirst: marks)
        switch kind {
        case .decoder:
            let text = tokenizer.frame.first + tokenizer.pieces(of: prompt + caption)
            guard let end else { return ended(text) }
            // The given part's length is counted in the joined text, as a prompt's is.
            let given = tokenizer.frame.first + tokenizer.pieces(of: (prompt + caption[..<end]).withoutSpacesAtEnd)
            return given.prefix(limit) + [Self.split] + ended(Array(text.dropFirst(given.count)))
        case .encoderDecoder:
            guard let end else { return tokenizer.pieces(of: caption) }
            return tokenizer.pieces(of: String(caption[..<end]).withoutSpacesAtEnd) + [Self.split]
                + tokenizer.pieces(of: String(caption[end...].drop { $0 == " " }))
        }
    }

    /// `text` with its end; one that is too long is cut, and has none.
    private func ended(_ text: [Int]) -> [Int] {
        text.count < limit ? text + [endToken] : Array(text.prefix(limit))
    }

    /// The sample of a caption's `tokens`; `key` is the random number that its split is drawn with.
    func sample(_ tokens: [Int], key: UInt64) -> LanguageSample {
        let place = tokens.firstIndex(of: Self.split)
        let behind = place.map { Array(tokens[($0 + 1)...]) }
        let tokens = Array(tokens[..<(place ?? tokens.endIndex)])
        switch kind {
        case .decoder(let promptCount):
            if let behind { return LanguageSample(given: tokens, target: TargetText(behind)) }
            // Behind an empty prompt the first token, which begins every text, is asked for too.
            let count = min(promptCount, tokens.count)
            return LanguageSample(
                given: Array(tokens.prefix(count)), target: TargetText(Array(tokens.dropFirst(count))))
        case .encoderDecoder(let split, let prompt):
            if let behind {
                return LanguageSample(given: framed(prompt + tokens), target: TargetText(framed(behind)))
            }
            let count = split == .prefix ? prefixCount(tokens, key) : 0
            return LanguageSample(
                given: framed(prompt + tokens.prefix(count)),
                target: TargetText(framed(Array(tokens.dropFirst(count)))))
        }
    }

    /// How many tokens the first words of a caption have, as many words as are drawn: 1 to half of them.
    ///
    /// Source: LAVIS issue 139: from the first position to the middle of the text.
    private func prefixCount(_ tokens: [Int], _ key: UInt64) -> Int {
        let starts = tokens.indices.filter { $0 == 0 || tokenizer.bytes(of: tokens[$0], isFirst: false)?.first == 32 }
        guard starts.count > 1 else { return 0 }
        let words = 1 + Int(SplitMix64.number(0, from: key).unitInterval * Double(starts.count / 2))
        return starts[min(words, starts.count / 2)]
    }

    /// `tokens` between those that begin and end every text; what is too long is cut.
    private func framed(_ tokens: [Int]) -> [Int] {
        let frame = tokenizer.frame
        return frame.first + tokens.prefix(limit - frame.first.count - frame.last.count) + frame.last
    }
}
