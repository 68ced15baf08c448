import Foundation
package import Layers
import RandomNumbers
package import Tensors

/// Where the parameters of a phase-2 model come from when its training starts: a trained phase-1 model, and the map into the
/// language model, which is new.
package struct PhaseTwoStart {
    private let phaseOne: Checkpoint
    private let layout: PhaseOneLayout
    private let seed: UInt64

    /// Starts from `phaseOne`, a phase-1 model in the hub's layout or LAVIS's; what is new is drawn from `seed`.
    package init(_ phaseOne: Checkpoint, seed: UInt64) throws(WeightsError) {
        guard let layout = PhaseOneLayout(of: phaseOne), layout != .bert else {
            throw WeightsError(
                code: .missing, file: phaseOne.file(of: ""), key: "query_tokens",
                message: "a trained phase-1 model is needed, in transformers' layout or LAVIS's")
        }
        (self.phaseOne, self.layout, self.seed) = (phaseOne, layout, seed)
    }

    /// The parameters of `configuration`'s model, by the hub's names.
    ///
    /// Throws where the phase-1 model lacks one, or has another size of it.
    package func tensors(_ configuration: PhaseTwoConfiguration) throws(WeightsError) -> [String: Tensor] {
        let recording = Weights.recording()
        _ = try PhaseTwoModel(configuration, recording)
        let weights = Weights(phaseOne, DType.float32, on: .cpu)
        var tensors: [String: Tensor] = [:]
        for (name, shape) in recording.recorded {
            tensors[name] =
                name.hasPrefix("language_projection.")
                ? try drawn(name, shape, inputs: configuration.vision.qformer.width)
                : try weights.tensor(layout.name(name), shape)
        }
        return tensors
    }

    /// Uniform up to one over the root of the inputs, as PyTorch's `nn.Linear`.
    private func drawn(_ name: String, _ shape: [Int], inputs: Int) throws(WeightsError) -> Tensor {
        let key = SplitMix64.mixed(nameHash(name, from: seed ^ 0xcbf2_9ce4_8422_2325))
        let bound = 1 / Double(inputs).squareRoot()
        let values = (0..<shape.reduce(1, *)).map {
            Float((2 * SplitMix64.number($0, from: key).unitInterval - 1) * bound)
        }
        return try preparing(name) { () throws(TorchError) in try Tensor(values, shape: shape) }
    }
}
