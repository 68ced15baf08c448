import BLIP2Models
import BLIP2Training
import Commands
import Digests
import Files
import Foundation
import LanguageModels
import Layers
import Manifests
import ModelDescriptions
import ModelFolders
import Reports
import Samples
import Tensors
import TextTokenizers
import Training
import VisionLanguage

/// Fine-tuning of a phase-2 model for captions or questions: its image encoder, Q-Former and projection.
///
/// The run's folder `start` is that of phase 2, with the image encoder among what is trained, and for questions the Q-Former's
/// tokenizer in `qformer_tokenizer`.
struct LanguageTuningStage: TrainedStage {
    static let label = "finetune"

    var settings: FinetuneSettings
    private let encoder: RunEncoder
    private let phaseTwo: ModelDirectory
    /// Where the Q-Former's reading comes from; nil where no text is read, or phase 2 reads it.
    private let reading: QuestionReading?
    private let configuration: PhaseTwoConfiguration

    init(_ settings: FinetuneSettings) throws {
        self.settings = settings
        phaseTwo = try ModelDirectory(requireModel(settings.start.from, key: "start.from"))
        let isWhole = try phaseTwo.load { checkpoint throws(WeightsError) in
            PhaseTwoLayout(of: checkpoint) == .hub
                && checkpoint.names.contains { $0.hasPrefix("language_model.") }
        }
        guard isWhole else {
            throw CommandError(
                .badInput,
                "start.from: \(phaseTwo.path): want a phase-2 model, whole and in transformers' layout: this has no "
                    + "language model")
        }
        var own = try phaseTwo.configuration("config.json", PhaseTwoConfiguration.init(json:))
        encoder = try RunEncoder(settings.run, side: own.vision.encoder.vision.imageSide)
        try encoder.require(own.vision.qformer, phaseTwo)
        own.vision.encoder = encoder.configuration
        (own.vision.qformer.hiddenDropout, own.vision.qformer.attentionDropout) = (
            settings.qformer.dropout, settings.qformer.dropout
        )
        let readsAlready = own.readsText
        own.readsText = settings.task == .vqa
        reading =
            own.readsText && !readsAlready
            ? try QuestionReading(settings.start, beside: &own.vision.qformer, behind: encoder.configuration) : nil
        configuration = own
    }

    var side: Int { configuration.vision.encoder.vision.imageSide }

    var isFresh: Bool { false }

    var title: String {
        "BLIP-2 fine-tuning, \(settings.task.rawValue), \(settings.run.textMeanWords), layer decay "
            + "\(settings.run.encoderTraining.layerDecay), language model in "
            + (settings.languageModel?.precision.rawValue ?? "auto")
    }

    func makeStart() throws { _ = try start() }

    func objective(on device: Device, dropout: Double?) throws -> any Objective {
        try PhaseTwoObjective(
            start: ModelDirectory(start()), encoder: .trained(settings.run.encoderTraining),
            language: languagePart(on: device), dropout: dropout,
            options: PhaseTwoOptions(
                microBatches: settings.training.accumulate, textTokens: settings.captions.maxTokens,
                prompt: prompt, split: .prompt, recomputes: settings.languageModel?.recompute ?? false,
                textMean: settings.run.textMean))
    }

    private func languagePart(on device: Device) throws -> LanguagePart {
        LanguagePart(phaseTwo, try languagePrecision(settings.languageModel?.precision, on: device), isWhole: true)
    }

    /// A caption begins behind a space.
    private var prompt: String {
        let prompt = settings.captions.prompt
        return settings.task == .vqa || prompt.isEmpty || prompt.hasSuffix(" ") ? prompt : prompt + " "
    }

    func expectations(candidates: Int) -> LossExpectations {
        .phaseTwo(vocabulary: configuration.language.vocabulary)
    }

    func introduction(on device: Device) throws -> [String] {
        let qformer = configuration.vision.qformer
        return [
            try settings.run.trainedEncoderLine(encoder),
            try languagePart(on: device).line(configuration.language, on: device),
            "Q-Former: \(Figures.counted(qformer.layers, "layer")) of width \(qformer.width), \(qformer.queries) queries, "
                + "dropout \(qformer.hiddenDropout), \(try originLine("phase-2", phaseTwo))",
        ] + (try reading.map { [try $0.line] } ?? [])
    }

    private func start() throws -> String {
        try recipe().folder(in: settings.output) { partial in
            let text = try reading?.checkpoint()
            let tensors = try phaseTwo.load { checkpoint throws(WeightsError) in
                try FinetuneStart(checkpoint, text: text).tensors(configuration)
            }
            try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
            try writeFile(configuration.json(), to: partial + "/config.json")
            try writeFile(encoder.preprocessor(), to: partial + "/preprocessor_config.json")
            if let reading {
                try reading.writeTokenizer(to: partial)
            } else if configuration.readsText {
                try InstructionReader.copyTokenizer(of: phaseTwo, to: partial)
            }
            try writeWeights(PhaseOneLayout.hub.tensors(tensors) + encoder.tensors(), to: partial)
        }
    }

    /// What the model is made of; models by what is in them, wherever they are.
    private func recipe() throws -> StartRecipe {
        var options = [
            "model": "fine-tuning, \(settings.task.rawValue)", "images.size": "\(side)",
            "start.from": try checkpointDigest(phaseTwo.path).hex,
            "qformer.dropout": "\(settings.qformer.dropout)",
            "image_encoder": try checkpointDigest(encoder.folder.path).hex,
        ]
        if let reading { options.merge(try reading.recipe) { own, _ in own } }
        return StartRecipe(options: options)
    }
}
