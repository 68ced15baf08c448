import BLIP2Models
import Commands
import Digests
import Files
import Foundation
import Images
import Layers
import Manifests
import ModelDescriptions
import ModelFolders
import Samples
import Tensors
import TextTokenizers
import Training
import VisionLanguage

/// The folder `start` of a phase-1 run: the model before the first step, made once from the run's settings.
///
///     OUT/start/config.json, preprocessor_config.json   as transformers reads them
///     OUT/start/model.safetensors                       what is trained, by the hub's names
///     OUT/start/vocab.txt, tokenizer_config.json        with [DEC] as the last token
///     OUT/start/start.json                              what it was made of
struct PhaseOneStartFolder {
    private let settings: PhaseOneSettings
    let encoder: RunEncoder
    let configuration: BLIP2Configuration
    private let vocabulary: StartTokenVocabulary
    /// The model that `start.from` names; nil where it is drawn.
    private let from: PhaseOneOrigin?
    private let head: ModelDirectory?
    /// Whether the image encoder is trained too, so that the start holds it.
    private let holdsEncoder: Bool

    /// Reads what `settings`, whose output is known, names, and sees that the parts fit together.
    init(_ settings: PhaseOneSettings, holdsEncoder: Bool = false) throws {
        (self.settings, self.holdsEncoder) = (settings, holdsEncoder)
        encoder = try RunEncoder(settings.run)
        from = settings.start.isScratch ? nil : try PhaseOneOrigin(settings.start.from)
        head = try settings.start.head.map { try ModelDirectory(requireModel($0, key: "start.head")) }
        if head != nil, from?.kind == .bert {
            throw CommandError(.badInput, "start.head: only for a phase-1 model; a BERT has its own head")
        }
        let tokenizer = try settings.start.tokenizer.map { try requireModel($0, key: "start.tokenizer") }
        let texts = try tokenizer ?? from?.tokenizerFolder() ?? ""
        vocabulary = try ModelDirectory(undescribed: texts).tokenizer(StartTokenVocabulary.init(directory:))
        configuration = try Self.configuration(
            settings, encoder, from, vocabulary: vocabulary.count, of: texts)
    }

    /// Whether the model has learned nothing of the task: it is no phase-1 model.
    var isFresh: Bool { from.map { $0.kind == .bert } ?? true }

    /// The side in pixels of the squares that the model sees.
    var side: Int { configuration.encoder.vision.imageSide }

    /// The folder, which is made where it is not there; one that was made of something else is refused.
    func callAsFunction() throws -> String {
        try recipe().folder(in: settings.output) { partial in
            let tensors = try tensors()
            try FileManager.default.createDirectory(atPath: partial, withIntermediateDirectories: true)
            try writeFile(configuration.json(), to: partial + "/config.json")
            try writeFile(encoder.preprocessor(), to: partial + "/preprocessor_config.json")
            try vocabulary.write(to: partial)
            let images = holdsEncoder ? try encoder.tensors() : []
            try writeWeights(PhaseOneLayout.hub.tensors(tensors) + images, to: partial)
        }
    }

    /// The model's sizes: those of what it starts from, or of the settings.
    private static func configuration(
        _ settings: PhaseOneSettings, _ encoder: RunEncoder,
        _ from: PhaseOneOrigin?, vocabulary: Int, of texts: String
    ) throws -> BLIP2Configuration {
        let wanted = settings.qformer
        var configuration = BLIP2Configuration(encoder: encoder.configuration)
        if let from, from.kind != .bert {
            let model = try from.configuration(behind: encoder.configuration)
            try encoder.require(model.qformer, from.folder)
            (configuration.qformer, configuration.jointWidth) = (model.qformer, model.jointWidth)
        } else if let from {
            let imageWidth = configuration.qformer.imageWidth
            configuration.qformer = try from.folder.configuration("config.json", QFormerConfiguration.init(bert:))
            configuration.qformer.imageWidth = imageWidth
        } else {
            configuration.qformer.vocabulary = vocabulary
            configuration.qformer.layers = wanted.layers ?? configuration.qformer.layers
            configuration.qformer.width = wanted.width ?? configuration.qformer.width
            configuration.qformer.heads = wanted.heads ?? configuration.qformer.heads
            configuration.qformer.innerWidth = wanted.innerWidth ?? configuration.qformer.innerWidth
            configuration.qformer.positions = wanted.positions ?? configuration.qformer.positions
        }
        if from.map({ $0.kind == .bert }) ?? true {
            configuration.qformer.queries = wanted.queries ?? configuration.qformer.queries
            configuration.qformer.crossFrequency =
                wanted.crossAttentionFrequency ?? configuration.qformer.crossFrequency
            configuration.jointWidth = wanted.jointWidth ?? configuration.jointWidth
        }
        (configuration.qformer.hiddenDropout, configuration.qformer.attentionDropout) = (wanted.dropout, wanted.dropout)
        try check(configuration, settings, vocabulary: vocabulary, of: texts)
        return configuration
    }

    private static func check(
        _ configuration: BLIP2Configuration, _ settings: PhaseOneSettings, vocabulary: Int, of texts: String
    ) throws {
        let qformer = configuration.qformer
        for (key, wanted, found) in [
            ("queries", settings.qformer.queries, qformer.queries),
            ("cross_attention_frequency", settings.qformer.crossAttentionFrequency, qformer.crossFrequency),
            ("joint_width", settings.qformer.jointWidth, configuration.jointWidth),
        ] where wanted ?? found != found {
            throw CommandError(
                .badInput,
                "qformer.\(key): \(settings.start.from) has \(found): remove the key, or start from a BERT or scratch")
        }
        guard settings.captions.maxTokens <= qformer.positions else {
            throw CommandError(
                .badInput,
                "captions.max_tokens: \(settings.start.from) has positions for \(qformer.positions) tokens, not for "
                    + "\(settings.captions.maxTokens)")
        }
        guard vocabulary == qformer.vocabulary else {
            throw ModelError(
                .badTokenizer, texts,
                "\(vocabulary) tokens with \(StartTokenVocabulary.startToken), but \(settings.start.from) has "
                    + "\(qformer.vocabulary) with it; use the tokenizer that belongs to the model")
        }
    }

    /// What the losses of phase 1 should be where each pair has `candidates` to be compared with.
    func expectations(candidates: Int) -> LossExpectations {
        let smoothing = settings.losses.labelSmoothing
        return .phaseOne(
            candidates: candidates, vocabulary: configuration.qformer.vocabulary, contrastiveSmoothing: smoothing,
            generationSmoothing: smoothing)
    }

    private func tensors() throws -> [String: Tensor] {
        guard let from else { return try PhaseOneStart.nothing(seed: settings.seed).tensors(configuration) }
        let head = try head.map { try $0.load { checkpoint throws(WeightsError) in checkpoint } }
        return try from.folder.load { checkpoint throws(WeightsError) in
            guard from.kind != .bert else {
                return try PhaseOneStart.bert(checkpoint, seed: settings.seed).tensors(configuration)
            }
            return try PhaseOneStart.model(checkpoint, head: head).tensors(configuration)
        }
    }

    /// What the model is made of; models by what is in them, wherever they are.
    private func recipe() throws -> StartRecipe {
        let qformer = configuration.qformer
        var options = [
            "model": "phase 1", "seed": "\(settings.seed)", "images.size": "\(side)",
            "start.from": try from.map { try checkpointDigest($0.folder.path).hex } ?? PhaseOneSettings.Start.scratch,
            "start.tokenizer": digest(of: vocabulary.text).hex, "qformer.dropout": "\(settings.qformer.dropout)",
            "qformer.queries": "\(qformer.queries)", "qformer.layers": "\(qformer.layers)",
            "qformer.width": "\(qformer.width)", "qformer.heads": "\(qformer.heads)",
            "qformer.inner_width": "\(qformer.innerWidth)", "qformer.positions": "\(qformer.positions)",
            "qformer.cross_attention_frequency": "\(qformer.crossFrequency)",
            "qformer.joint_width": "\(configuration.jointWidth)",
            "image_encoder": try encoder.recipe,
        ]
        if holdsEncoder { options["image_encoder.weights"] = try checkpointDigest(encoder.folder.path).hex }
        if let head { options["start.head"] = try checkpointDigest(head.path).hex }
        return StartRecipe(options: options)
    }
}
