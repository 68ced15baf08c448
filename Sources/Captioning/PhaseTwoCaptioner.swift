import BLIP2Models
package import Decoding
package import Images
import LanguageModels
package import ModelFolders
package import Stages
package import Tensors

/// Writes captions with a BLIP-2 model of phase 2.
///
/// Every image is computed alone, on any device, so that its captions do not depend on others. The image is encoded once, what
/// its queries say and the prompt are read once, and all its captions go on from there.
package struct PhaseTwoCaptioner: TimedCaptioner {
    package let view: ImageView
    package var sampling: SamplingOptions
    private let model: GenerationModel
    private let input: ModelInput
    private let prompt: [Int]
    /// The tokens that every caption begins with, as lengths and penalties count them.
    private let beginning: [Int]
    private let seed: UInt64
    private let engines: EnginePool

    /// Loads the model in the folder `directory` onto the device of `engines`; blocks while it reads.
    ///
    /// A decoder's captions begin with the prompt's tokens, and `sampling` counts them; the token that ends texts, should it
    /// begin them too, is not counted, so that no penalty falls on it. A model with an encoder reads the prompt there.
    package init(
        directory: String, prompt: String, sampling: SamplingOptions = SamplingOptions(), seed: UInt64,
        precision: Precision = .auto, engines: EnginePool
    ) throws(ModelError) {
        model = try GenerationModel(directory: directory, precision: precision, on: engines.device)
        view = model.view
        input = ModelInput(side: view.side, normalization: model.normalization, device: engines.device)
        self.prompt = try model.tokens(of: prompt)
        let end = model.configuration.language.endToken
        beginning = model.configuration.language.beginning ?? self.prompt.filter { $0 != end }
        try checkSampling(sampling, prompt: beginning.count, directory)
        try model.requireRoom(prompt: self.prompt.count, newTokens: sampling.maxLength - beginning.count)
        (self.sampling, self.seed, self.engines) = (sampling, seed, engines)
    }

    package var promptCount: Int { beginning.count }

    package func caption(
        _ batch: [CaptionRequest], count: Int, times: PartTimes?, moved: @escaping @Sendable () -> Void
    ) async throws -> [[GeneratedCaption]] {
        try await engines.map(batch, by: 1) { requests in
            try requests.map { try captions(of: $0, count, times, moved) }
        }
    }

    private func captions(
        of request: CaptionRequest, _ count: Int, _ times: PartTimes?, _ moved: @Sendable () -> Void
    ) throws -> [GeneratedCaption] {
        let streams = (0..<count).map { RandomStream(seed: seed, key: request.key, number: $0) }
        let options = GenerationOptions(
            sampling.greedy ? .greedy : .sampling(topP: sampling.topP, topK: sampling.topK),
            minNewTokens: max(0, sampling.minLength - beginning.count),
            maxNewTokens: sampling.maxLength - beginning.count, repetitionPenalty: sampling.repetitionPenalty)
        let made = try model.infer { parts throws(TorchError) in
            let pixels = try input.pixels([request.pixels])
            let states = try timed(.vision, times) { () throws(TorchError) in try parts.encoder(pixels) }
            let instruction = model.instruction(of: prompt)
            let queries = try timed(.crossKeysValues, times) { () throws(TorchError) in
                try parts.queries.describe(states, instructions: instruction.map { [$0] })
            }
            moved()
            return try parts.generate(
                queries, prompts: [prompt], streams: [streams], options, beginning: beginning, times: times
            ) { _ in moved() }
        }
        let begun = model.configuration.language.isDecoder ? prompt : beginning
        return made[0].map { GeneratedCaption(text: $0.text, tokens: begun + $0.tokens, logprob: $0.logprob) }
    }
}
