import BLIP2Models
package import Decoding
package import LanguageModels
package import Tensors
import TextTokenizers

// Shape letters of this file: B images, Q queries, L width of the language model's embeddings.

/// A text that a language model wrote.
package struct GeneratedText: Sendable, Equatable {
    /// Without special tokens, and without white space at either end.
    package let text: String
    /// The new tokens, with the end token where the text came to its end.
    package let tokens: [Int]
    /// The sum over the new tokens of their log-probabilities, before any filter.
    package let logprob: Double
}

extension GenerationModel.Parts {
    /// What the language model is given of normalized pixels `[B, 3, side, side]`: `[B, Q, L]`, float32.
    ///
    /// `instructions` are read together with the queries, where the Q-Former reads text.
    package func describe(_ pixels: Tensor, instructions: [[Int]]? = nil) throws(TorchError) -> Tensor {
        try queries.describe(encoder(pixels), instructions: instructions)
    }

    /// Texts behind the `queries` `[B, Q, L]` and `prompts`, tokens for each image: as many for an image as `streams` has for
    /// it.
    ///
    /// See `LanguageModel.generate`; `beginning` are the tokens that lengths and penalties count before the new ones.
    package func generate(
        _ queries: Tensor, prompts: [[Int]], streams: [[RandomStream]], _ options: GenerationOptions,
        beginning: [Int]? = nil, times: PartTimes? = nil, took: ([(text: Int, token: Int)]) -> Void = { _ in }
    ) throws(TorchError) -> [[GeneratedText]] {
        // OPT's positions skip what fills rows up, wherever that stands; T5's count from the first query on, so that it must
        // stand at the end.
        let given = try PaddedEmbeddings(queries.to(language.words.dtype)).followed(
            by: language.embed(prompts, padding: .right))
        let made = try language.generate(
            given, streams: streams, options, beginning: beginning, times: times, took: took)
        return made.map { texts in
            texts.map { GeneratedText(text: text(of: $0.tokens), tokens: $0.tokens, logprob: $0.logprob) }
        }
    }

    /// The text of new tokens; the end token, a line feed in released models, is none of it.
    private func text(of tokens: [Int]) -> String {
        let written = tokens.last == language.endToken ? tokens.dropLast() : tokens[...]
        var text = TrimmedText()
        return text.append(tokenizer.decode(Array(written), skipSpecialTokens: true))
    }
}
