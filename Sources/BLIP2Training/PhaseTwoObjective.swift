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

/// BLIP-2's phase 2: what a Q-Former sees is told to a frozen language model, which writes the caption; and its fine-tuning,
/// in which the image encoder is trained too.
///
/// Source: Li et al., "BLIP-2", 2023, sections 3.3, 4.2 and 4.3.
package struct PhaseTwoObjective: Objective {
    /// The model that training starts from, without its frozen parts: `config.json`, and the trained tensors by the hub's
    /// names in `model.safetensors`; where the Q-Former reads questions, its tokenizer in `qformer_tokenizer`.
    package let directory: ModelDirectory
    package let encoder: EncoderUse
    package let language: LanguagePart
    package let configuration: PhaseTwoConfiguration
    package let options: PhaseTwoOptions
    private let texts: TextSource
    private let normalization: Normalization

    /// Training of the model in the folder `start` between an image encoder and a language model; with `dropout` in place of
    /// the configuration's, where it is given.
    package init(
        start: ModelDirectory, encoder: EncoderUse, language: LanguagePart, dropout: Double? = nil,
        options: PhaseTwoOptions = PhaseTwoOptions()
    ) throws(ModelError) {
        var configuration = try start.configuration("config.json", PhaseTwoConfiguration.init(json:))
        if let dropout {
            configuration.vision.qformer.hiddenDropout = dropout
            configuration.vision.qformer.attentionDropout = dropout
        }
        normalization = try start.normalization(of: .squashed(side: configuration.vision.encoder.vision.imageSide))
        let tokenizer = try language.folder.tokenizer(loadLanguageTokenizer(directory:))
        guard tokenizer.idLimit <= configuration.language.vocabulary else {
            throw ModelError(
                .badTokenizer, language.folder.path,
                "it has \(tokenizer.idLimit) tokens, but the language model has \(configuration.language.vocabulary)")
        }
        if configuration.readsText {
            texts = .questions(
                QuestionSamples(
                    tokenizer, configuration.language, try InstructionReader(start, configuration), options))
        } else {
            texts = .captions(
                CaptionSamples(
                    tokenizer, isDecoder: configuration.language.isDecoder,
                    endToken: configuration.language.endToken, options))
        }
        (directory, self.encoder, self.language) = (start, encoder, language)
        (self.configuration, self.options) = (configuration, options)
    }

    package var view: ImageView { .squashed(side: configuration.vision.encoder.vision.imageSide) }

    package func tokens(of caption: String) -> [Int] { texts.tokens(of: caption) }

    package func model(on device: Device) throws -> any TrainingModel {
        let vision = configuration.vision.encoder
        let (made, parameters) = try directory.trained(on: device) { weights throws(WeightsError) in
            (try PhaseTwoModel(configuration, weights), try encoder.trained(vision, weights))
        }
        let pixels = ModelPixels(side: vision.vision.imageSide, normalization: normalization, device: device)
        return PhaseTwoTraining(
            model: made.0, parameters: parameters, encoder: try encoder.part(made.1, vision, on: device),
            language: try language.frozen(configuration.language, recomputes: options.recomputes, on: device),
            texts: texts, options: options, pixels: pixels)
    }

    /// The finished model whole, as transformers' `Blip2ForConditionalGeneration` reads it: what was trained, as `dtype`, and
    /// the frozen parts in their own element types.
    package func write(_ parameters: [String: Tensor], as dtype: DType, to folder: String) throws {
        try directory.copyDescription(to: folder, dtype: dtype)
        try language.folder.copyTokenizer(to: folder)
        if configuration.readsText { try InstructionReader.copyTokenizer(of: directory, to: folder) }
        let trained = try parameters.mapValues { try $0.detached().to(dtype) }
        let (images, words) = (
            try encoder.tensors(configuration.vision.encoder), try language.tensors(configuration.language)
        )
        try writeWeights(PhaseOneLayout.hub.tensors(trained) + images + words, to: folder)
    }
}
