import BLIP2Models
import BLIP2Training
import Commands
import Layers
import Manifests
import ModelFolders
import Reports
import Tensors
import Training
import VisionLanguage

/// Phase 1: a Q-Former behind a frozen image encoder.
struct PhaseOneStage: TrainedStage {
    static let label = "stage1"

    var settings: PhaseOneSettings
    private let start: PhaseOneStartFolder

    init(_ settings: PhaseOneSettings) throws {
        self.settings = settings
        start = try PhaseOneStartFolder(settings)
    }

    var side: Int { start.side }

    var isFresh: Bool { start.isFresh }

    var title: String {
        "BLIP-2 phase 1, smoothing \(settings.losses.labelSmoothing), \(settings.run.textMeanWords), "
            + "image encoder in \(settings.imageEncoder.precision.rawValue)"
    }

    func makeStart() throws { _ = try start() }

    func objective(on device: Device, dropout: Double?) throws -> any Objective {
        try PhaseOneObjective(
            start: ModelDirectory(start()),
            encoder: .frozen(start.encoder.folder, settings.run.encoderPrecision(on: device)), dropout: dropout,
            options: PhaseOneOptions(
                microBatches: settings.training.accumulate, smoothing: settings.losses.labelSmoothing,
                textMean: settings.run.textMean,
                textTokens: settings.captions.maxTokens, prompt: settings.captions.prompt))
    }

    func expectations(candidates: Int) -> LossExpectations {
        start.expectations(candidates: candidates)
    }

    func introduction(on device: Device) throws -> [String] {
        let qformer = start.configuration.qformer
        return [
            try settings.run.encoderLine(start.encoder, on: device),
            "Q-Former: \(Figures.counted(qformer.layers, "layer")) of width \(qformer.width), \(qformer.queries) queries, "
                + "\(Figures.grouped(qformer.vocabulary)) tokens, dropout \(qformer.hiddenDropout), from "
                + settings.start.from,
        ]
    }
}
