import BLIP2Models
import Layers
import Loading
import Manifests
import ModelFolders
import Reports
import Tensors
import Training
import VisionLanguage

extension PhaseOneRun {
    /// What a person is told before the first step: what is frozen, the Q-Former, the data and the rate.
    func introduction() throws -> [String] {
        let (qformer, vision) = (start.configuration.qformer, start.configuration.encoder.vision)
        let training = settings.training
        let samples = loading.batches.loader.sampleCount
        let passes = Double(schedule.steps) * Double(training.batchSize) / Double(samples)
        let course =
            switch schedule.course {
            case .bySteps: "at every step"
            case .byEpochs(let steps, _): "every \(Figures.counted(steps, "step"))"
            }
        return [
            "frozen: image encoder, \(try encoderSize()); \(Figures.counted(vision.layers, "layer")) of width "
                + "\(vision.width), images of \(vision.imageSide) pixels, from \(start.encoder.path)",
            "Q-Former: \(Figures.counted(qformer.layers, "layer")) of width \(qformer.width), \(qformer.queries) queries, "
                + "\(Figures.grouped(qformer.vocabulary)) tokens, dropout \(qformer.hiddenDropout), from "
                + settings.start.from,
            "data: \(Figures.counted(samples, "sample")) in \(Figures.counted(settings.data.sets.count, "set")); "
                + "\(Figures.counted(schedule.steps, "step")) of \(Figures.grouped(training.batchSize)) are "
                + "\(Figures.fixed(passes, passes < 10 ? 2 : 0)) passes",
            "rate: up to \(schedule.peak) in \(Figures.counted(schedule.warmUpSteps, "step")), then down to "
                + "\(schedule.floor) \(course); AdamW \(training.betas[0]) and \(training.betas[1]), decay "
                + "\(training.weightDecay)",
        ]
    }

    /// Tensors, parameters and bytes of the frozen encoder, as it computes.
    private func encoderSize() throws -> String {
        let tensors = try start.encoder.load { checkpoint throws(WeightsError) in
            try start.configuration.encoder.hubTensors(of: checkpoint)
        }
        let parameters = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        let dtype = encoderPrecision.dtype(on: device)
        let bytes = "\(Figures.bytes(parameters * dtype.byteCount)) as \(dtype.rawValue)"
        return "\(Figures.counted(tensors.count, "tensor")), \(Figures.grouped(parameters)) parameters, "
            + (encoderPrecision == .int8 ? "large layers as int8" : bytes)
    }
}

extension Inventory {
    /// What is trained, in words.
    var line: String {
        "trained: \(Figures.counted(trainedTensors, "tensor")), \(Figures.grouped(trainedParameters)) parameters, "
            + "\(Figures.bytes(trainedParameters * 4)) as float32, \(Figures.bytes(trainedBytes)) with gradients and optimizer"
    }
}
