import BLIP2Models
import LanguageModels
import RandomNumbers
import TextTokenizers

/// How captions become what a language model is given and what it is to write.
///
/// Source: LAVIS `blip2_opt.py` and `blip2_t5.py`, `forward`; Li et al., "BLIP-2", 2023, section 3.3.
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
    private let limit: Int
    private let endToken: Int

    /// Samples for a language model that ends a text with `endToken`; `isDecoder` says that it has no encoder.
    init(
        _ tokenizer: any LanguageTokenizer, isDecoder: Bool, endToken: Int, _ options: PhaseTwoOptions
    ) {
        self.tokenizer = tokenizer
        (prompt, limit, self.endToken) = (options.prompt, options.textTokens, endToken)
        // A space at the end of a prompt is no token of its own in the joined text: the next word begins with it.
        var bare = prompt[...]
        while bare.last == " " { bare.removeLast() }
        if isDecoder {
            let count = bare.isEmpty ? 0 : tokenizer.frame.first.count + tokenizer.pieces(of: String(bare)).count
            kind = .decoder(promptCount: count)
        } else {
            kind = .encoderDecoder(options.split, prompt: tokenizer.pieces(of: String(bare)))
        }
    }

    /// What of a caption does not change from step to step: its tokens, of a decoder's with all that stands around them.
    func tokens(of caption: String) -> [Int] {
        switch kind {
        case .decoder:
            let pieces = tokenizer.pieces(of: prompt + caption)
            let text = tokenizer.frame.first + pieces
            // A text that is cut has no end.
            return text.count < limit ? text + [endToken] : Array(text.prefix(limit))
        case .encoderDecoder: return tokenizer.pieces(of: caption)
        }
    }

    /// The sample of a caption's `tokens`; `key` is the random number that its split is drawn with.
    func sample(_ tokens: [Int], key: UInt64) -> LanguageSample {
        switch kind {
        case .decoder(let promptCount):
            // Behind an empty prompt the first token, which begins every text, is asked for too.
            let count = min(promptCount, tokens.count)
            return LanguageSample(
                given: Array(tokens.prefix(count)), target: TargetText(Array(tokens.dropFirst(count))))
        case .encoderDecoder(.prompt, let prompt):
            return LanguageSample(given: framed(prompt), target: TargetText(framed(tokens)))
        case .encoderDecoder(.prefix, let prompt):
            let count = prefixCount(tokens, key)
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
