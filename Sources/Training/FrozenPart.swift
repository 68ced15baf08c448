package import Layers
import Manifests
package import ModelFolders
import Samples
package import Tensors

/// A part of a model in training that stays as it is.
///
/// Its weights come straight from their checkpoint and are laid out as for inference. They are neither optimized nor
/// stored with the run, whose state has their digest.
package struct FrozenPart<Model> {
    package let weights: FrozenWeights
    package let model: Model

    /// The part `name`, which `build` makes of the weights in `folder`: in `precision`, or in the element types that they
    /// have there.
    package init(
        _ name: String, of folder: ModelDirectory, _ precision: Precision? = nil, on device: Device,
        _ build: (Weights) throws(WeightsError) -> Model
    ) throws {
        try self.init(name, of: folder) { checkpoint throws(WeightsError) in
            try build(
                precision.map { Weights(checkpoint, $0, on: device) } ?? Weights(asStored: checkpoint, on: device))
        }
    }

    /// The part `name`, which `build` makes of the checkpoint in `folder`.
    package init(
        _ name: String, of folder: ModelDirectory, _ build: (Checkpoint) throws(WeightsError) -> Model
    ) throws {
        self.init(try FrozenWeights(name, of: folder), try folder.load(build))
    }

    /// The part `model` of `weights`.
    package init(_ weights: FrozenWeights, _ model: Model) { (self.weights, self.model) = (weights, model) }

    /// What `body` makes of the part: constants, of which no gradients are taken, computed in the part's own precision.
    package func callAsFunction<Value>(_ body: (Model) throws(TorchError) -> Value) throws(TorchError) -> Value {
        try withoutGradients { () throws(TorchError) in try body(model) }
    }
}

/// Weights that a run needs and does not change.
package struct FrozenWeights: Sendable, Equatable {
    /// What the model calls the part.
    package let name: String
    /// The digest of the folder that the weights come from.
    package let digest: String

    init(name: String, digest: String) { (self.name, self.digest) = (name, digest) }

    /// The part `name`, whose weights are in `folder`.
    package init(_ name: String, of folder: ModelDirectory) throws {
        self.init(name: name, digest: try checkpointDigest(folder.path).hex)
    }
}
