package import Decoding
import ModelDescriptions
package import ModelFolders
package import Stages
package import Tensors

/// A captioner whose parts a benchmark can time.
package protocol TimedCaptioner: Captioner {
    /// How captions are drawn.
    var sampling: SamplingOptions { get set }
    /// The tokens that lengths count before the first new one.
    var promptCount: Int { get }

    /// What `Captioner` says; adds to `times` what the parts of the model took.
    func caption(
        _ batch: [CaptionRequest], count: Int, times: PartTimes?, moved: @escaping @Sendable () -> Void
    ) async throws -> [[GeneratedCaption]]
}

extension TimedCaptioner {
    /// `count` captions for each image of `batch`, in the same order; they do not depend on the rest of the batch.
    package func caption(
        _ batch: [CaptionRequest], count: Int, moved: @escaping @Sendable () -> Void = {}
    ) async throws -> [[GeneratedCaption]] {
        try await caption(batch, count: count, times: nil, moved: moved)
    }
}

/// How captions are made: with which words they begin, and with which chance.
package struct CaptionRecipe: Sendable {
    /// What begins every caption; not part of its text.
    ///
    /// Nil is what the model was trained with: `a picture of ` for BLIP, nothing for BLIP-2.
    package var prompt: String?
    package var sampling: SamplingOptions
    package var seed: UInt64

    package init(prompt: String? = nil, sampling: SamplingOptions = SamplingOptions(), seed: UInt64) {
        (self.prompt, self.sampling, self.seed) = (prompt, sampling, seed)
    }
}

/// The captioner in the folder `directory`, BLIP or a BLIP-2 model of phase 2, as its `config.json` says; blocks while it
/// reads.
package func loadCaptioner(
    directory: String, _ recipe: CaptionRecipe, precision: Precision, engines: EnginePool, use: DeviceUse? = nil
) throws(ModelError) -> any TimedCaptioner {
    let folder = try ModelDirectory(directory)
    let isPhaseTwo = try folder.configuration("config.json") { json throws(ConfigurationError) in
        try ConfigurationObject(json: json).value("model_type") == .text("blip-2")
    }
    guard isPhaseTwo else {
        return try BLIPCaptioner(
            directory: directory, prompt: recipe.prompt ?? BLIPCaptioner.trainedPrompt, sampling: recipe.sampling,
            seed: recipe.seed, precision: precision, engines: engines, use: use)
    }
    return try PhaseTwoCaptioner(
        directory: directory, prompt: recipe.prompt ?? "", sampling: recipe.sampling, seed: recipe.seed,
        precision: precision, engines: engines)
}

/// Refuses options that ask for what cannot be, behind a prompt of `prompt` tokens.
func checkSampling(_ sampling: SamplingOptions, prompt: Int, _ directory: String) throws(ModelError) {
    func require(_ isGood: Bool, _ message: String) throws(ModelError) {
        guard isGood else { throw ModelError(.badOption, directory, message) }
    }
    try require(sampling.maxLength > prompt, "max_length \(sampling.maxLength): the prompt alone has \(prompt) tokens")
    try require(sampling.minLength <= sampling.maxLength, "min_length is over max_length")
    try require(sampling.topP > 0 && sampling.topP <= 1, "top_p \(sampling.topP) is not in 0...1")
    try require(sampling.topK >= 0, "top_k \(sampling.topK) is negative")
    try require(sampling.repetitionPenalty > 0, "repetition_penalty \(sampling.repetitionPenalty) is not positive")
}
