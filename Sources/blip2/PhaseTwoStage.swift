import BLIP2Models
import BLIP2Training
import Commands
import Digests
import Files
import Foundation
import LanguageModels
import Layers
import Loading
import Manifests
import ModelDescriptions
import ModelFolders
import Reports
import Samples
import Tensors
import TextTokenizers
import Training
import VisionLanguage

/// Phase 2: a trained Q-Former in front of a frozen language model.
///
/// The run's folder `start` holds the model before the first step, made once:
///
///     OUT/start/config.json, preprocessor_config.json   as transformers reads them
///     OUT/start/model.safetensors                       what is trained, by the hub's names
///     OUT/start/start.json                              what it was made of
struct PhaseTwoStage: TrainedStage {
    static let label = "stage2"

    var settings: PhaseTwoSettings
    private let encoder: RunEncoder
    private let language: ModelDirectory
    private let phaseOne: ModelDirectory
    private let configuration: PhaseTwoConfiguration

    init(_ settings: PhaseTwoSettings) throws {
        self.settings = settings
        let origin = try PhaseOneOrigin(settings.start.from)
        guard origin.kind != .bert else {
            throw CommandError(
                .badInput, "start.from: \(origin.folder.path): a BERT, but phase 2 starts from a trained phase-1 model")
        }
        phaseOne = origin.folder
        let own = origin.kind == .model ? try origin.configuration(behind: RunEncoder(settings.run).configuration) : nil
        encoder = try RunEncoder(settings.run, side: own?.encoder.vision.imageSide)
        var vision = try origin.configuration(behind: encoder.configuration)
        try encoder.require(vision.qformer, phaseOne)
        vision.encoder = encoder.configuration
        (vision.qformer.hiddenDropout, vision.qformer.attentionDropout) = (
            settings.qformer.dropout, settings.qformer.dropout
        )
        language = try ModelDirectory(requireModel(settings.languageModel.model, key: "language_model.model"))
        configuration = try Self.configuration(vision, language)
        if configuration.language.isDecoder, settings.languageModel.split != .prefix {
            throw CommandError(
                .badInput,
                "language_model.split: \(settings.languageModel.split.rawValue), but \(language.path) has no encoder: it is given "
                    + "captions.prompt and asked for all that follows; leave split out")
        }
    }

    /// The model that joins `vision` to the language model in `language`.
    ///
    /// OPT ends a caption with a line feed, as LAVIS has it: `</s>`, which begins every text, stands in none.
    private static func configuration(
        _ vision: BLIP2Configuration, _ language: ModelDirectory
    ) throws -> PhaseTwoConfiguration {
        let tokenizer = try language.tokenizer(loadLanguageTokenizer(directory:))
        let hasOwnHead = try language.load { checkpoint throws(WeightsError) in
            checkpoint.shape(of: "lm_head.weight") != nil
        }
        return try language.configuration("config.json") { json throws(ConfigurationError) in
            var made = try PhaseTwoConfiguration(
                vision, languageJSON: json, imageToken: nil, hasOwnHead: hasOwnHead)
            let lineFeed = tokenizer.pieces(of: "\n")
            if made.language.isDecoder, lineFeed.count == 1 { try made.end(textsWith: lineFeed[0]) }
            made.imageToken = tokenizer.id(of: "<image>")
            if made.imageToken == nil, tokenizer.idLimit < made.language.vocabulary {
                made.imageToken = tokenizer.idLimit
            }
            return made
        }
    }

    var side: Int { configuration.vision.encoder.vision.imageSide }

    /// A language model knows its language before the first step.
    var isFresh: Bool { false }

    var title: String {
        "BLIP-2 phase 2, \(settings.run.textMeanWords), image encoder in \(settings.imageEncoder.precision.rawValue), "
            + "language model in " + settings.languageModel.precision.rawValue
    }

    func makeStart() throws { _ = try start() }

    func objective(on device: Device, dropout: Double?) throws -> any Objective {
        try PhaseTwoObjective(
            start: ModelDirectory(start()),
            encoder: .frozen(encoder.folder, settings.run.encoderPrecision(on: device)),
            language: languagePart(on: device), dropout: dropout,
            options: PhaseTwoOptions(
                microBatches: settings.training.accumulate, textTokens: settings.captions.maxTokens,
                prompt: settings.captions.prompt,
                split: settings.languageModel.split == .prefix ? .prefix : .prompt,
                splitAfter: settings.languageModel.splitAfter,
                recomputes: settings.languageModel.recompute,
                textMean: settings.run.textMean))
    }

    private func languagePart(on device: Device) throws -> LanguagePart {
        LanguagePart(language, try languagePrecision(settings.languageModel.precision, on: device))
    }

    func expectations(candidates: Int) -> LossExpectations {
        .phaseTwo(vocabulary: configuration.language.vocabulary)
    }

    func introduction(on device: Device) throws -> [String] {
        let qformer = configuration.vision.qformer
        return [
            try settings.run.encoderLine(encoder, on: device),
            try languagePart(on: device).line(configuration.language, on: device),
            "Q-Former: \(Figures.counted(qformer.layers, "layer")) of width \(qformer.width), \(qformer.queries) queries, "
                + "dropout \(qformer.hiddenDropout), \(try originLine("phase-1", phaseOne))",
        ]
    }

    func dataLines(_ batches: BatchLoader) throws -> [String] {
        let marks = settings.languageModel.splitAfter
        return marks.isEmpty ? [] : [try SplitSurvey(marks, batches).line()]
    }

    private func start() throws -> String {
        try recipe().folder(in: settings.output) { partial in
            let tensors = try phaseOne.load { checkpoint throws(WeightsError) in
                try PhaseTwoStart(checkpoint, seed: settings.seed).tensors(configuration)
            }
            try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
            try writeFile(configuration.json(), to: partial + "/config.json")
            try writeFile(encoder.preprocessor(), to: partial + "/preprocessor_config.json")
            try writeWeights(PhaseOneLayout.hub.tensors(tensors), to: partial)
        }
    }

    /// What the model is made of; models by what is in them, wherever they are.
    private func recipe() throws -> StartRecipe {
        StartRecipe(options: [
            "model": "phase 2", "seed": "\(settings.seed)", "images.size": "\(side)",
            "start.from": try checkpointDigest(phaseOne.path).hex,
            "language_model": digest(of: String(decoding: configuration.languageJSON, as: UTF8.self)).hex,
            "qformer.dropout": "\(settings.qformer.dropout)",
            "image_encoder": try encoder.recipe,
        ])
    }
}
