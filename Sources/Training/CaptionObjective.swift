package import Images
import Layers
import Loading
package import ModelFolders
package import Tensors
import TextTokenizers
import VisionLanguage

/// BLIP's: the words of a caption, one after the other, from the image and the words before.
package struct CaptionObjective: ImageObjective {
    /// The most tokens of a caption in training, the prompt's and the end counted.
    ///
    /// Source: salesforce/BLIP `models/blip.py`, `BLIP_Decoder.forward`.
    private static let longestCaption = 40

    package let directory: ModelDirectory
    package let view: ImageView
    private let configuration: BLIPConfiguration
    private let tokenizer: BERTWordPieceTokenizer
    private let normalization: Normalization
    private let prompt: String
    private let promptLength: Int
    private let smoothing: Double

    /// Training of the model in the folder `directory`, whose captions all begin with `prompt`.
    package init(directory path: String, prompt: String, smoothing: Double) throws(ModelError) {
        let directory = try ModelDirectory(path)
        let configuration = try directory.configuration("config.json", BLIPConfiguration.init(json:))
        view = configuration.view
        normalization = try directory.normalization(of: view)
        let tokenizer = try directory.tokenizer(BERTWordPieceTokenizer.init(directory:))
        guard let tokens = promptTokens(prompt, tokenizer, configuration.text) else {
            throw ModelError.unfittingTokenizer(tokenizer.encode(prompt), configuration.text, path)
        }
        guard tokens.count < min(Self.longestCaption, configuration.text.positions) - 1 else {
            throw ModelError(
                .badOption, path, "the prompt has \(tokens.count) tokens, which leaves no room for a caption")
        }
        promptLength = tokens.count
        (self.directory, self.configuration, self.tokenizer) = (directory, configuration, tokenizer)
        (self.prompt, self.smoothing) = (prompt, smoothing)
    }

    package func model(on device: Device) throws -> any TrainingModel {
        let (model, parameters) = try directory.trained(on: device) { weights throws(WeightsError) in
            try BLIP(configuration, weights)
        }
        return CaptionTraining(objective: self, model: model, parameters: parameters, device: device)
    }

    fileprivate func loss(of batch: TrainingBatch, _ model: BLIP, on device: Device) throws -> Tensor {
        let pixels = try normalizedPixels(batch.pixels, side: view.side, normalization, on: device)
        return try model.captionLoss(
            pixels, batch.tokens, promptLength: promptLength, smoothing: smoothing)
    }

    /// The start token, the prompt, the cleaned caption, the end token.
    package func tokens(of caption: String) -> [Int] {
        let limit = min(Self.longestCaption, configuration.text.positions)
        var tokens = tokenizer.encode(prompt + cleanedCaption(caption))
        tokens[0] = configuration.text.startToken
        if tokens.count > limit { tokens = tokens.prefix(limit - 1) + [configuration.text.endToken] }
        return tokens
    }
}

/// A captioner in training.
private struct CaptionTraining: TrainingModel {
    let objective: CaptionObjective
    let model: BLIP
    let parameters: Parameters
    let device: Device

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        try pass.only(objective.loss(of: batch, model, on: device))
    }
}
