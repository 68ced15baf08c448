import BLIP2Models
import BLIP2Training
import Commands
import Layers
import Manifests
import ModelFolders
import Reports
import Samples
import Tensors
import Training
import VisionLanguage

/// Fine-tuning of a phase-1 model for retrieval: its image encoder and Q-Former, by the losses of phase 1.
struct RetrievalTuningStage: TrainedStage {
    static let label = "finetune"

    var settings: FinetuneSettings
    private let start: PhaseOneStartFolder
    private let phaseOne: ModelDirectory

    init(_ settings: FinetuneSettings) throws {
        self.settings = settings
        let origin = try PhaseOneOrigin(settings.start.from)
        phaseOne = origin.folder
        guard origin.kind != .bert else {
            throw CommandError(
                .badInput,
                "start.from: \(phaseOne.path): a BERT, but fine-tuning starts from a trained phase-1 model")
        }
        guard origin.kind != .lavis || settings.imageEncoder.model != settings.start.from else {
            throw CommandError(
                .badInput, "image_encoder.model: add it: \(phaseOne.path) comes without an image encoder")
        }
        let own = PhaseOneSettings(
            run: settings.run,
            start: PhaseOneSettings.Start(
                from: settings.start.from, head: settings.start.head, tokenizer: settings.start.tokenizer),
            qformer: PhaseOneSettings.QFormer(dropout: settings.qformer.dropout))
        start = try PhaseOneStartFolder(own, holdsEncoder: true)
    }

    var side: Int { start.side }

    var isFresh: Bool { false }

    var title: String {
        "BLIP-2 fine-tuning, retrieval, smoothing \(settings.losses.labelSmoothing), \(settings.run.textMeanWords), "
            + "layer decay \(settings.run.encoderTraining.layerDecay)"
    }

    func makeStart() throws { _ = try start() }

    func objective(on device: Device, dropout: Double?) throws -> any Objective {
        try PhaseOneObjective(
            start: ModelDirectory(start()), encoder: .trained(settings.run.encoderTraining), dropout: dropout,
            options: PhaseOneOptions(
                microBatches: settings.training.accumulate, smoothing: settings.losses.labelSmoothing,
                textMean: settings.run.textMean,
                textTokens: settings.captions.maxTokens, prompt: settings.captions.prompt, sameImage: .shared))
    }

    func expectations(candidates: Int) -> LossExpectations {
        start.expectations(candidates: candidates)
    }

    func introduction(on device: Device) throws -> [String] {
        let qformer = start.configuration.qformer
        return [
            try settings.run.trainedEncoderLine(start.encoder),
            "Q-Former: \(Figures.counted(qformer.layers, "layer")) of width \(qformer.width), \(qformer.queries) queries, "
                + "\(Figures.grouped(qformer.vocabulary)) tokens, dropout \(qformer.hiddenDropout), "
                + (try originLine("phase-1", phaseOne)),
        ]
    }
}
