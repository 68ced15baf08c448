package import BLIP2Models
import Foundation
package import Images
package import LanguageModels
import Layers
package import Tensors
package import TextTokenizers
package import VisionLanguage

/// A BLIP-2 model of phase 2 as it is used: image encoder, Q-Former, language model and tokenizer, from a folder in the hub's
/// layout of `Blip2ForConditionalGeneration`.
package struct GenerationModel: Sendable {
    /// The models and the tokenizer, to be used inside `infer`.
    package struct Parts {
        package let encoder: ImageEncoder
        package let queries: PhaseTwoModel
        package let language: any LanguageModel
        let tokenizer: any LanguageTokenizer
    }

    /// What the model sees of an image: all of it, squashed.
    package let view: ImageView
    package let normalization: Normalization
    package let device: Device
    package let configuration: PhaseTwoConfiguration
    package let tokenizer: any LanguageTokenizer
    /// Of the Q-Former, where it reads text too.
    private let reader: InstructionReader?
    private let weights: SharedWeights<Parts>
    private let directory: String

    /// Loads the model in the folder `directory` onto `device`; blocks while it reads.
    ///
    /// Image encoder and language model compute in `precision`, the Q-Former always in float32, as in transformers.
    package init(directory: String, precision: Precision = .auto, on device: Device) throws(ModelError) {
        let folder = try ModelDirectory(directory)
        let configuration = try folder.configuration("config.json", PhaseTwoConfiguration.init(json:))
        _ = try folder.load { checkpoint throws(WeightsError) in try requirePhaseTwo(checkpoint) }
        try folder.checkGeneration()
        view = .squashed(side: configuration.vision.encoder.vision.imageSide)
        normalization = try folder.normalization(of: view)
        let tokenizer = try folder.tokenizer(loadLanguageTokenizer(directory:))
        try checkFit(of: tokenizer, to: configuration.language, directory)
        reader = configuration.readsText ? try InstructionReader(folder, configuration) : nil
        if let obstacle = precision.obstacle(on: device) { throw ModelError(.badOption, directory, obstacle) }
        weights = try folder.load { checkpoint throws(WeightsError) in
            let parts = try PhaseTwoParts(of: checkpoint, configuration)
            let encoder = try ImageEncoder(parts.encoder, configuration.vision.encoder, precision, on: device)
            let queries = try parts.queries(configuration, on: device)
            let language = try parts.language(configuration, precision, on: device)
            try preparing("device") { () throws(TorchError) in try device.synchronize() }
            return SharedWeights(
                Parts(encoder: encoder, queries: queries, language: language, tokenizer: tokenizer))
        }
        (self.configuration, self.tokenizer, self.device) = (configuration, tokenizer, device)
        self.directory = directory
    }

    /// Runs `body` on the models, without recording gradients; only values that may travel leave.
    package func infer<Value: Sendable, Failure: Error>(
        _ body: (Parts) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try weights.infer(body)
    }

    /// The tokens of a prompt, with those that the language model expects around a text; spaces at its end do not count.
    ///
    /// Throws where the prompt holds the token that transformers has stand for a query: the image stands before every prompt.
    package func tokens(of prompt: String) throws(ModelError) -> [Int] {
        let tokens = tokenizer.encode(Self.bare(prompt))
        guard let token = configuration.imageToken, tokens.contains(token) else { return tokens }
        throw ModelError(
            .badOption, directory,
            "the prompt holds the placeholder of the image, token \(token): leave it out, for the image stands before"
                + " every prompt")
    }

    /// `prompt` without the spaces at its end, which would be tokens of their own that no text has in training.
    package static func bare(_ prompt: String) -> String {
        String(prompt.reversed().drop { $0 == " " }.reversed())
    }

    /// What the Q-Former reads of a prompt's `tokens`, where it reads text: the same text, in tokens of its own vocabulary.
    package func instruction(of tokens: [Int]) -> [Int]? {
        reader?(tokenizer.decode(tokens, skipSpecialTokens: true))
    }

    /// How many tokens prompt and new text may have together; nil where the language model has no limit.
    package var room: Int? {
        guard case .opt(let opt) = configuration.language else { return nil }
        return max(0, opt.positions - configuration.vision.qformer.queries)
    }

    /// How many tokens a conversation and its next answer may have together: what the language model has room for, or else as
    /// many as its tokenizer says, or else as T5 was trained with.
    package var conversationRoom: Int { room ?? (tokenizer.longestText < .max ? tokenizer.longestText : 512) }

    /// Refuses a prompt of `count` tokens that leaves no room for `newTokens` others.
    package func requireRoom(prompt count: Int, newTokens: Int) throws(ModelError) {
        guard let room, count + newTokens > room else { return }
        throw ModelError(
            .badOption, directory,
            "the prompt has \(count) tokens and \(newTokens) new ones are asked for, but the language model has room"
                + " for \(room) behind the image")
    }
}
