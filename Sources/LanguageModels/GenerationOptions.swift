/// How texts are written behind prompts.
package struct GenerationOptions: Sendable, Hashable {
    /// How the next tokens are chosen.
    package enum Search: Sendable, Hashable {
        /// The likeliest at each step.
        case greedy
        /// Drawn from those that make up the share `topP` of the probability, among the `topK` likeliest; 0 is all.
        case sampling(topP: Double, topK: Int)
        /// By beams, with a penalty on length as `BeamOptions` has it.
        case beams(Int, lengthPenalty: Double)
    }

    package var search: Search
    /// A text cannot end before it has so many new tokens.
    package var minNewTokens: Int
    /// A text ends when it has so many new tokens, the end token counted.
    package var maxNewTokens: Int
    /// Makes tokens that a text already has less likely; 1 is off.
    package var repetitionPenalty: Double

    package init(
        _ search: Search = .beams(5, lengthPenalty: 1), minNewTokens: Int = 0, maxNewTokens: Int = 30,
        repetitionPenalty: Double = 1
    ) {
        (self.search, self.repetitionPenalty) = (search, repetitionPenalty)
        (self.minNewTokens, self.maxNewTokens) = (minNewTokens, maxNewTokens)
    }

    /// The most texts behind a prompt that differ; nil where there is no limit.
    package var mostTexts: Int? {
        switch search {
        case .greedy: 1
        case .sampling: nil
        case .beams(let beams, _): beams
        }
    }
}
