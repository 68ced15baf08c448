import BLIP2Models
import LanguageModels
import Layers
package import ModelFolders
package import Tensors
import Training
import VisionLanguage

/// Where a run's frozen language model is, and in which element type it computes.
package struct LanguagePart: Sendable {
    /// Its folder, with its tokenizer.
    package let folder: ModelDirectory
    package let precision: Precision
    /// What its tensors' names begin with.
    private let prefix: String

    /// The language model in `folder`; with `isWhole` that of a whole BLIP-2.
    package init(_ folder: ModelDirectory, _ precision: Precision, isWhole: Bool = false) {
        (self.folder, self.precision) = (folder, precision)
        prefix = isWhole ? "language_model." : ""
    }

    /// Its checkpoint, whose tensors have the names of a language model of its own.
    package func checkpoint() throws(ModelError) -> Checkpoint {
        try load { checkpoint throws(WeightsError) in checkpoint }
    }

    private func load<Value>(
        _ build: (Checkpoint) throws(WeightsError) -> Value
    ) throws(ModelError) -> Value {
        try folder.load { checkpoint throws(WeightsError) in
            try build(
                prefix.isEmpty
                    ? checkpoint
                    : checkpoint.renamed { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil })
        }
    }

    /// The model, whose layers are computed again in the backward pass where `recomputes` says so.
    func frozen(
        _ configuration: LanguageModelConfiguration, recomputes: Bool, on device: Device
    ) throws -> FrozenPart<any LanguageModel> {
        let weights = try FrozenWeights("language model", of: folder)
        let model = try load { checkpoint throws(WeightsError) in
            let weights = Weights(checkpoint, precision, on: device)
            var made = try configuration.model(weights)
            made.recomputes = recomputes
            try weights.finish(ignoring: configuration.isHarmless)
            return made
        }
        return FrozenPart(weights, model)
    }

    /// All of its tensors by the names of a whole BLIP-2, in the element types that they are stored in.
    func tensors(_ configuration: LanguageModelConfiguration) throws(ModelError) -> [PendingTensor] {
        try load { checkpoint throws(WeightsError) in
            var tensors: [PendingTensor] = []
            for name in checkpoint.names where !configuration.isHarmless(name) {
                let (dtype, shape): (DType, [Int])
                do throws(CheckpointError) {
                    let stored = try checkpoint.tensor(name)
                    (dtype, shape) = (stored.dtype, stored.shape)
                } catch {
                    throw WeightsError(
                        code: .unreadable, file: checkpoint.file(of: name), key: name, message: error.message)
                }
                tensors.append(
                    PendingTensor(name: "language_model." + name, dtype: dtype, shape: shape) {
                        try checkpoint.tensor(name).bytes()
                    })
            }
            return tensors
        }
    }
}
