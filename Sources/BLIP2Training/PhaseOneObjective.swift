package import BLIP2Models
import Foundation
package import Images
import Layers
package import ModelFolders
package import Tensors
import TextTokenizers
package import Training
import VisionLanguage

/// BLIP-2's phase 1: a Q-Former learns to see through a frozen image encoder, by three objectives at once; and its
/// fine-tuning for retrieval, in which the encoder is trained too.
///
/// Source: Li et al., "BLIP-2", 2023, sections 3.1 and 4.4.
package struct PhaseOneObjective: Objective {
    /// The model that training starts from, without a frozen image encoder: `config.json`, the trained tensors by the hub's
    /// names in `model.safetensors`, and the tokenizer.
    package let directory: ModelDirectory
    package let encoder: EncoderUse
    package let configuration: BLIP2Configuration
    package let options: PhaseOneOptions
    private let tokenizer: BERTWordPieceTokenizer
    private let normalization: Normalization

    /// Training of the model in the folder `start` behind an image encoder; with `dropout` in place of the configuration's,
    /// where it is given.
    package init(
        start: ModelDirectory, encoder: EncoderUse, dropout: Double? = nil,
        options: PhaseOneOptions = PhaseOneOptions()
    ) throws(ModelError) {
        var configuration = try start.configuration("config.json", BLIP2Configuration.init(json:))
        if let dropout {
            (configuration.qformer.hiddenDropout, configuration.qformer.attentionDropout) = (dropout, dropout)
        }
        let tokenizer = try start.tokenizer(BERTWordPieceTokenizer.init(directory:))
        try checkFit(of: tokenizer, to: configuration, start.path)
        normalization = try start.normalization(of: .squashed(side: configuration.encoder.vision.imageSide))
        guard options.textTokens <= configuration.qformer.positions, options.textTokens > 2 else {
            throw ModelError(
                .badOption, start.path,
                "texts of \(options.textTokens) tokens: want 3 to \(configuration.qformer.positions)")
        }
        (directory, self.encoder) = (start, encoder)
        (self.configuration, self.options, self.tokenizer) = (configuration, options, tokenizer)
    }

    package var view: ImageView { .squashed(side: configuration.encoder.vision.imageSide) }

    /// The first token, the prompt and the caption, the last token.
    package func tokens(of caption: String) -> [Int] {
        let tokens = tokenizer.encode(options.prompt + caption)
        guard tokens.count > options.textTokens, let last = tokens.last else { return tokens }
        return tokens.prefix(options.textTokens - 1) + [last]
    }

    package func model(on device: Device) throws -> any TrainingModel {
        let (made, parameters) = try directory.trained(on: device) { weights throws(WeightsError) in
            (try PhaseOneModel(configuration, weights), try encoder.trained(configuration.encoder, weights))
        }
        return PhaseOneTraining(
            model: made.0, parameters: parameters,
            encoder: try encoder.part(made.1, configuration.encoder, on: device), options: options,
            pixels: ModelPixels(
                side: configuration.encoder.vision.imageSide, normalization: normalization, device: device))
    }

    /// The finished model whole, as transformers' `Blip2ForImageTextRetrieval` reads it: what was trained, as `dtype`, and
    /// a frozen image encoder in its own element types.
    package func write(_ parameters: [String: Tensor], as dtype: DType, to folder: String) throws {
        try directory.copyDescription(to: folder, dtype: dtype)
        let trained = try parameters.mapValues { try $0.detached().to(dtype) }
        let frozen = try encoder.tensors(configuration.encoder)
        try writeWeights(PhaseOneLayout.hub.tensors(trained) + frozen, to: folder)
    }
}

/// Refuses a tokenizer that has more tokens than the Q-Former has words.
private func checkFit(
    of tokenizer: BERTWordPieceTokenizer, to configuration: BLIP2Configuration, _ directory: String
) throws(ModelError) {
    guard tokenizer.idLimit > configuration.qformer.vocabulary else { return }
    throw ModelError(
        .badTokenizer, directory,
        "it has \(tokenizer.idLimit) tokens, but the Q-Former has \(configuration.qformer.vocabulary) words")
}
