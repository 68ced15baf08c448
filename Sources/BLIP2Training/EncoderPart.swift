import BLIP2Models
import Layers
package import ModelFolders
package import Tensors
import Training
import VisionLanguage

/// What a training does with its image encoder.
package enum EncoderUse: Sendable {
    /// It stays as it is: the encoder in a folder, in any of the layouts of `ImageEncoderLayout`, which computes in a
    /// precision.
    case frozen(ModelDirectory, Precision)
    /// It is trained with the rest: the start holds it, by the hub's names.
    case trained(EncoderTraining)

    /// What the finished model has of it beside the trained parameters.
    func tensors(_ configuration: ImageEncoderConfiguration) throws(ModelError) -> [PendingTensor] {
        guard case .frozen(let folder, _) = self else { return [] }
        return try folder.load { checkpoint throws(WeightsError) in try configuration.hubTensors(of: checkpoint) }
    }

    /// The encoder of a model whose parameters are `weights`; nil where it is frozen.
    func trained(
        _ configuration: ImageEncoderConfiguration, _ weights: Weights
    ) throws(WeightsError) -> ImageEncoder? {
        guard case .trained(let training) = self else { return nil }
        return try ImageEncoder(training: weights, configuration, recomputes: training.recomputes)
    }

    /// The encoder of a model in training: `trained`, which `trained(_:_:)` gave, or what is in the frozen one's folder.
    func part(
        _ trained: ImageEncoder?, _ configuration: ImageEncoderConfiguration, on device: Device
    ) throws -> EncoderPart {
        switch self {
        case .frozen(let folder, let precision):
            return .frozen(
                try FrozenPart("image encoder", of: folder) { checkpoint throws(WeightsError) in
                    try ImageEncoder(checkpoint, configuration, precision, on: device)
                })
        case .trained(let training):
            guard let trained else { preconditionFailure("an encoder that is trained is one of the parameters") }
            return .trained(trained, training)
        }
    }
}

/// How an image encoder is trained.
package struct EncoderTraining: Sendable, Equatable {
    /// What the learning rate is multiplied by from layer to layer, from the top down.
    package var layerDecay: Double
    /// Whether its activations are computed anew in the backward pass instead of kept.
    package var recomputes: Bool

    package init(layerDecay: Double = 1, recomputes: Bool = false) {
        (self.layerDecay, self.recomputes) = (layerDecay, recomputes)
    }
}

/// The image encoder of a model in training.
enum EncoderPart {
    case frozen(FrozenPart<ImageEncoder>)
    case trained(ImageEncoder, EncoderTraining)

    var isTrained: Bool { frozen.isEmpty }

    /// The weights that no step changes.
    var frozen: [FrozenWeights] {
        switch self {
        case .frozen(let part): [part.weights]
        case .trained: []
        }
    }

    /// The states `[b, S, E]` of normalized pixels; of a frozen encoder constants.
    func callAsFunction(_ pixels: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .frozen(let part): try part { encoder throws(TorchError) in try encoder(pixels) }
        case .trained(let encoder, _): try encoder(pixels)
        }
    }

    /// What the learning rate of the parameter that the hub calls `name` is multiplied by.
    func rateFactor(of name: String) -> Double {
        guard case .trained(let encoder, let training) = self else { return 1 }
        return encoder.configuration.rateFactor(of: name, decay: training.layerDecay)
    }
}
