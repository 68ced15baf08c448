import LanguageModels
import RandomNumbers
import TextTokenizers

/// How a line of text becomes what a language model is given and what it is to write.
///
/// OPT reads a line behind its start, with the line feed that ends it, and is asked for every token, its end token last: so
/// the model knows both ends that BLIP-2 uses, `</s>` and the line feed. T5's encoder is given the first words, as many as are
/// drawn, none among them, and the decoder is asked for the others (prefix language modelling).
struct LineSamples: Sendable {
    /// What the model is given, and what it is to write.
    struct Sample: Equatable {
        let given: [Int]
        let target: TargetText
    }

    private let tokenizer: any LanguageTokenizer
    private let isDecoder: Bool
    private let endToken: Int
    /// The most tokens of a line, those around it counted.
    private let limit: Int

    init(_ tokenizer: any LanguageTokenizer, isDecoder: Bool, endToken: Int, limit: Int) {
        (self.tokenizer, self.isDecoder, self.endToken, self.limit) = (tokenizer, isDecoder, endToken, limit)
    }

    /// What of a line does not change from step to step; one that is too long is cut, and has no end then.
    func tokens(of line: String) -> [Int] {
        guard isDecoder else { return Array(tokenizer.pieces(of: line).prefix(limit - 2)) }
        let text = tokenizer.frame.first + tokenizer.pieces(of: line + "\n")
        return text.count < limit ? text + [endToken] : Array(text.prefix(limit))
    }

    /// The sample of a line's `tokens`; `key` is the random number that its split is drawn with.
    func sample(_ tokens: [Int], key: UInt64) -> Sample {
        guard !isDecoder else {
            let given = max(1, tokenizer.frame.first.count)
            return Sample(given: Array(tokens.prefix(given)), target: TargetText(Array(tokens.dropFirst(given))))
        }
        let starts = tokens.indices.filter { tokenizer.bytes(of: tokens[$0], isFirst: false)?.first == 32 || $0 == 0 }
        let words = Int(SplitMix64.number(0, from: key).unitInterval * Double(starts.count))
        let count = starts.isEmpty ? 0 : starts[words]
        return Sample(
            given: tokens.prefix(count) + tokenizer.frame.last,
            target: TargetText(tokens.dropFirst(count) + [endToken]))
    }
}
