import BLIP2Models
import BLIP2Training
import Commands
import Layers
import Loading
import Manifests
import ModelFolders
import Reports
import Samples
import Tensors
import Training
import VisionLanguage

extension StageRun {
    /// What a person is told before the first step: the models, the data and the rate.
    func introduction() throws -> [String] {
        let training = settings.training
        let samples = loading.batches.loader.sampleCount
        let passes = Double(schedule.steps) * Double(training.batchSize) / Double(samples)
        let course =
            switch schedule.course {
            case .bySteps: "at every step"
            case .byEpochs(let steps, _): "every \(Figures.counted(steps, "step"))"
            }
        return try stage.introduction(on: device) + [
            "data: \(Figures.counted(samples, "sample")) in \(Figures.counted(settings.data.sets.count, "set")); "
                + "\(Figures.counted(schedule.steps, "step")) of \(Figures.grouped(training.batchSize)) are "
                + "\(Figures.fixed(passes, passes < 10 ? 2 : 0)) passes",
            "rate: up to \(schedule.peak) in \(Figures.counted(schedule.warmUpSteps, "step")), then down to "
                + "\(schedule.floor) \(course); AdamW \(training.betas[0]) and \(training.betas[1]), decay "
                + "\(training.weightDecay)",
        ] + loading.questionLines + stage.dataLines(loading.batches)
    }
}

/// The model in `folder` that a run starts from, how long it was trained and its digest, in words; `kind` is what it is.
func originLine(_ kind: String, _ folder: ModelDirectory) throws -> String {
    let steps = try TrainedStep(of: folder).map { Figures.counted($0.step, "step") } ?? "steps not known"
    return "from the \(kind) model \(folder.path), \(steps), digest \(try checkpointDigest(folder.path).hex.prefix(16))"
}

extension RunSettings {
    /// Which mean over the texts' tokens is taken.
    var textMean: PhaseOneOptions.TextMean {
        switch losses.textMean {
        case .global: .global
        case .processes: .processes
        }
    }

    /// The same in words.
    var textMeanWords: String {
        switch losses.textMean {
        case .global: "text mean over the global batch"
        case .processes: "text mean over \(processes ?? 1) processes"
        }
    }
}

/// The frozen language model's precision; throws where `device` cannot compute in it.
func languagePrecision(_ asked: Manifest.Precision?, on device: Device) throws -> Precision {
    let precision = asked.flatMap { Precision(rawValue: $0.rawValue) } ?? .auto
    if let obstacle = precision.obstacle(on: device) {
        throw CommandError(.badInput, "language_model.precision: \(obstacle)")
    }
    return precision
}

extension RunSettings {
    /// The precision of the frozen image encoder; throws where `device` cannot compute in it.
    func encoderPrecision(on device: Device) throws -> Precision {
        let precision = Precision(rawValue: imageEncoder.precision.rawValue) ?? .auto
        if let obstacle = precision.obstacle(on: device) {
            throw CommandError(.badInput, "image_encoder.precision: \(obstacle)")
        }
        return precision
    }

    /// How the image encoder is trained.
    var encoderTraining: EncoderTraining {
        EncoderTraining(layerDecay: imageEncoder.layerDecay ?? 1, recomputes: imageEncoder.recompute ?? false)
    }

    /// The image encoder that is trained, and by what its layers' learning rates are multiplied, in words.
    func trainedEncoderLine(_ own: RunEncoder) throws -> String {
        let (encoder, training) = (own.configuration, encoderTraining)
        let parameters = encoder.hubShapes.reduce(0) { $0 + $1.1.reduce(1, *) }
        func factor(_ name: String) -> String {
            Figures.fixed(encoder.rateFactor(of: "vision_model." + name, decay: training.layerDecay), 4)
        }
        let rates =
            training.layerDecay == 1
            ? "all layers at the same rate"
            : "rate times \(factor("embeddings.class_embedding")) at the patches, "
                + "\(factor("encoder.layers.0.layer_norm1.weight")) in the first layer, to "
                + "\(factor("encoder.layers.\(encoder.vision.layers - 1).layer_norm1.weight")) in the last"
        return "trained too: image encoder, \(Figures.grouped(parameters)) parameters; "
            + "\(Figures.counted(encoder.vision.layers, "layer")) of width \(encoder.vision.width), images of "
            + "\(encoder.vision.imageSide) pixels, \(rates)\(training.recomputes ? ", activations computed again" : ""), "
            + "from \(own.folder.path)"
    }

    /// Tensors, parameters and bytes of the frozen image encoder, as it computes, in words.
    func encoderLine(_ own: RunEncoder, on device: Device) throws -> String {
        let (folder, encoder) = (own.folder, own.configuration)
        let tensors = try folder.load { checkpoint throws(WeightsError) in try encoder.hubTensors(of: checkpoint) }
        let parameters = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        let precision = try encoderPrecision(on: device)
        let dtype = precision.dtype(on: device)
        let size =
            precision == .int8
            ? "large layers as int8" : "\(Figures.bytes(parameters * dtype.byteCount)) as \(dtype.rawValue)"
        return "frozen: image encoder, \(Figures.counted(tensors.count, "tensor")), \(Figures.grouped(parameters)) "
            + "parameters, \(size); \(Figures.counted(encoder.vision.layers, "layer")) of width "
            + "\(encoder.vision.width), images of \(encoder.vision.imageSide) pixels, from \(folder.path)"
    }
}

extension Inventory {
    /// What is trained, in words.
    var line: String {
        "trained: \(Figures.counted(trainedTensors, "tensor")), \(Figures.grouped(trainedParameters)) parameters, "
            + "\(Figures.bytes(trainedParameters * 4)) as float32, \(Figures.bytes(trainedBytes)) with gradients and optimizer"
    }
}
