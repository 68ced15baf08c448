package import BLIP2Models
import Foundation
package import Images
import LanguageModels
import Layers
package import ModelFolders
package import Tensors
import TextTokenizers
package import Training
import VisionLanguage

/// BLIP-2's phase 2: what a Q-Former sees is told to a frozen language model, which writes the caption.
///
/// Source: Li et al., "BLIP-2", 2023, section 3.3.
package struct PhaseTwoObjective: Objective {
    /// The model that training starts from, without its frozen parts: `config.json`, and the trained tensors by the hub's
    /// names in `model.safetensors`.
    package let directory: ModelDirectory
    package let encoder: ModelDirectory
    /// The language model's folder, with its tokenizer.
    package let language: ModelDirectory
    package let configuration: PhaseTwoConfiguration
    package let options: PhaseTwoOptions
    private let precisions: (encoder: Precision, language: Precision)
    private let samples: CaptionSamples
    private let normalization: Normalization

    /// Training of the model in the folder `start` between the image encoder in `encoder` and the language model in
    /// `language`; with `dropout` in place of the configuration's, where it is given.
    package init(
        start: ModelDirectory, encoder: ModelDirectory, language: ModelDirectory,
        precisions: (encoder: Precision, language: Precision), dropout: Double? = nil,
        options: PhaseTwoOptions = PhaseTwoOptions()
    ) throws(ModelError) {
        var configuration = try start.configuration("config.json", PhaseTwoConfiguration.init(json:))
        if let dropout {
            configuration.vision.qformer.hiddenDropout = dropout
            configuration.vision.qformer.attentionDropout = dropout
        }
        normalization = try start.normalization(of: .squashed(side: configuration.vision.encoder.vision.imageSide))
        let tokenizer = try language.tokenizer(loadLanguageTokenizer(directory:))
        guard tokenizer.idLimit <= configuration.language.vocabulary else {
            throw ModelError(
                .badTokenizer, language.path,
                "it has \(tokenizer.idLimit) tokens, but the language model has \(configuration.language.vocabulary)")
        }
        samples = CaptionSamples(
            tokenizer, isDecoder: configuration.language.isDecoder, endToken: configuration.language.endToken, options)
        (directory, self.encoder, self.language) = (start, encoder, language)
        (self.configuration, self.options, self.precisions) = (configuration, options, precisions)
    }

    package var view: ImageView { .squashed(side: configuration.vision.encoder.vision.imageSide) }

    package func tokens(of caption: String) -> [Int] { samples.tokens(of: caption) }

    package func model(on device: Device) throws -> any TrainingModel {
        let (model, parameters) = try directory.trained(on: device) { weights throws(WeightsError) in
            try PhaseTwoModel(configuration, weights)
        }
        let encoder = try FrozenPart("image encoder", of: encoder) { checkpoint throws(WeightsError) in
            try ImageEncoder(checkpoint, configuration.vision.encoder, precisions.encoder, on: device)
        }
        let language = try FrozenPart("language model", of: language) { checkpoint throws(WeightsError) in
            let weights = Weights(checkpoint, precisions.language, on: device)
            var made = try configuration.language.model(weights)
            made.recomputes = options.recomputes
            try weights.finish(ignoring: configuration.language.isHarmless)
            return made
        }
        let pixels = ModelPixels(
            side: configuration.vision.encoder.vision.imageSide, normalization: normalization, device: device)
        return PhaseTwoTraining(
            model: model, parameters: parameters, encoder: encoder, language: language, samples: samples,
            options: options, pixels: pixels)
    }

    /// The finished model whole, as transformers' `Blip2ForConditionalGeneration` reads it: what was trained, as `dtype`, and
    /// the image encoder and the language model in their own element types.
    package func write(_ parameters: [String: Tensor], as dtype: DType, to folder: String) throws {
        try directory.copyDescription(to: folder, dtype: dtype)
        try language.copyTokenizer(to: folder)
        let trained = try parameters.mapValues { try $0.detached().to(dtype) }
        let images = try encoder.load { checkpoint throws(WeightsError) in
            try configuration.vision.encoder.hubTensors(of: checkpoint)
        }
        let words = try language.load { checkpoint throws(WeightsError) in
            try languageTensors(of: checkpoint)
        }
        try writeWeights(PhaseOneLayout.hub.tensors(trained) + images + words, to: folder)
    }

    /// All of the language model's tensors, in the element types that they are stored in.
    private func languageTensors(of checkpoint: Checkpoint) throws(WeightsError) -> [PendingTensor] {
        var tensors: [PendingTensor] = []
        for name in checkpoint.names.sorted() where !configuration.language.isHarmless(name) {
            let (dtype, shape): (DType, [Int])
            do {
                let stored = try checkpoint.tensor(name)
                (dtype, shape) = (stored.dtype, stored.shape)
            } catch {
                throw WeightsError(
                    code: .unreadable, file: checkpoint.file(of: name), key: name, message: error.message)
            }
            tensors.append(
                PendingTensor(name: "language_model." + name, dtype: dtype, shape: shape) {
                    try checkpoint.tensor(name).bytes()
                })
        }
        return tensors
    }
}
