package import Decoding
package import Tensors

extension LanguageModel {
    /// Texts behind what rows are given, as many for each row as it has `streams`.
    ///
    /// They come best first, and of beams at most as many as there are. Text `n` is drawn from the row's stream `n`, where it
    /// is drawn.
    ///
    /// A text's tokens are the new ones, with the end token where it came to its end. `beginning` are those that lengths and
    /// penalties count before them. Rows do not depend on each other. `took` is called at every step with the numbers of the
    /// texts, counted through all rows, that got a token, and the tokens; a search by beams names none.
    package func generate(
        _ given: PaddedEmbeddings, streams: [[RandomStream]], _ options: GenerationOptions, beginning: [Int]? = nil,
        times: PartTimes? = nil, took: ([(text: Int, token: Int)]) -> Void = { _ in }
    ) throws(TorchError) -> [[GeneratedTokens]] {
        precondition(streams.count == given.count, "each row has its streams")
        let beginning = beginning ?? self.beginning
        let lengths = (beginning.count + options.minNewTokens, beginning.count + options.maxNewTokens)
        let made: [[GeneratedTokens]]
        switch options.search {
        case .greedy:
            made = try sample(
                given, SampledTexts(beginning: beginning, streams: streams, endToken: endToken),
                SamplingOptions(
                    topP: 1, topK: 0, minLength: lengths.0, maxLength: lengths.1,
                    repetitionPenalty: options.repetitionPenalty, greedy: true), times: times, took: took)
        case .sampling(let topP, let topK):
            made = try sample(
                given, SampledTexts(beginning: beginning, streams: streams, endToken: endToken),
                SamplingOptions(
                    topP: topP, topK: topK, minLength: lengths.0, maxLength: lengths.1,
                    repetitionPenalty: options.repetitionPenalty), times: times, took: took)
        case .beams(let beams, let lengthPenalty):
            let found = try searchBeams(
                given, count: given.count, beginning: beginning, endToken: endToken,
                BeamOptions(
                    beams: beams, lengthPenalty: lengthPenalty, minLength: lengths.0, maxLength: lengths.1,
                    repetitionPenalty: options.repetitionPenalty), times: times
            ) { took([]) }
            made = zip(found, streams).map { texts, streams in texts.prefix(streams.count).map(\.text) }
        }
        return made.map { texts in
            texts.map {
                GeneratedTokens(tokens: Array($0.tokens.dropFirst(beginning.count)), logprob: $0.logprob)
            }
        }
    }
}
