import Foundation
import Images
import Layers
import ModelFolders
import RandomNumbers
import Tensors
import TestSupport

@testable import Loading
@testable import Training

/// A model of a frozen layer and a trained one, in folders of its own: it tells dark images from bright ones.
struct TinyObjective: Objective {
    let folder: String
    let directory: ModelDirectory
    let view = ImageView.squashed(side: 1)
    /// The frozen layer's element type.
    let frozen: DType
    /// The rate factor of the bias.
    var biasFactor = 1.0

    /// Writes both parts into a new folder.
    init(frozen: DType = .float32) throws {
        self.frozen = frozen
        folder = try Project.temporaryFolder("tiny")
        for part in ["model", "tower"] {
            try FileManager.default.createDirectory(atPath: folder + "/" + part, withIntermediateDirectories: true)
            try "{}".write(toFile: "\(folder)/\(part)/config.json", atomically: true, encoding: .utf8)
        }
        directory = try ModelDirectory(folder + "/model")
        try writeSafetensors(
            ["head.weight": random([2, 4], seed: 1), "head.bias": random([2], seed: 2)],
            to: folder + "/model/model.safetensors")
        try writeTower(seed: 3)
    }

    /// Writes the frozen layer's weights.
    func writeTower(seed: UInt64) throws {
        try writeSafetensors(
            [
                "layer.weight": random([4, 3], seed: seed).to(frozen),
                "layer.bias": random([4], seed: seed + 1).to(frozen),
            ], to: folder + "/tower/model.safetensors")
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func tokens(of caption: String) -> [Int] { [caption == "bright" ? 1 : 0] }

    func tower() throws -> FrozenPart<Linear> {
        try FrozenPart("tower", of: ModelDirectory(folder + "/tower"), on: .cpu) { weights throws(WeightsError) in
            try Linear(weights.packed(rows: 8).scoped("layer"), in: 3, out: 4)
        }
    }

    func model(on device: Device) throws -> any TrainingModel {
        let (head, parameters) = try directory.trained(on: device) { weights throws(WeightsError) in
            try Linear(weights.scoped("head"), in: 4, out: 2)
        }
        return TinyTraining(
            tower: try tower(), dtype: frozen, head: head, parameters: parameters, biasFactor: biasFactor)
    }

    private func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var numbers = SplitMix64(seed: seed)
        let count = shape.reduce(1, *)
        return try Tensor((0..<count).map { _ in Float(numbers.next().unitInterval - 0.5) }, shape: shape)
    }
}

private struct TinyTraining: TrainingModel {
    let tower: FrozenPart<Linear>
    let dtype: DType
    let head: Linear
    let parameters: Parameters
    let biasFactor: Double

    var frozen: [FrozenWeights] { [tower.weights] }

    func groups(decay: Double) -> [ParameterGroup] {
        [
            ParameterGroup(["head.weight"], decay: decay),
            ParameterGroup(["head.bias"], decay: 0, rateFactor: biasFactor),
        ]
    }

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        let pixels = try Tensor(batch.pixels.map { Float($0) / 255 }, shape: [batch.count, 3])
        let states = try tower { layer throws(TorchError) in try layer(pixels.to(dtype)).to(.float32) }
        // A little noise, other at each step and for each sample.
        let noise = pass.context.keys("noise").map { Float(SplitMix64.number(0, from: $0).unitInterval) * 0.1 }
        let logits = try head(states + Tensor(noise, shape: [noise.count, 1])).to(.float32)
        let classes = try Tensor(batch.tokens.map { $0[0][0] }, shape: [batch.count])
        let likelihood = try crossEntropy(logits, classes)
        let length = try (logits * logits).mean() * 0.01
        let total = try likelihood + length
        try pass.backward(total)
        let values = try [total, likelihood, length].map { Double(try $0.detached().floats()[0]) }
        return StepLosses(total: values[0], terms: ["likelihood": values[1], "length": values[2]])
    }
}

/// The batch of step `step`: four images, half of them bright.
func tinyBatch(_ step: Int) -> TrainingBatch {
    var numbers = SplitMix64(seed: UInt64(step))
    let pixels = (0..<12).map { place in UInt8(numbers.below(100) + place / 3 % 2 * 150) }
    return TrainingBatch(
        step: step, numbers: 0..<4, keys: (0..<4).map { "sample \($0)" }, digests: [], pixels: pixels,
        captions: (0..<4).map { [$0 % 2 == 1 ? "bright" : "dark"] }, tokens: (0..<4).map { [[$0 % 2]] }, damaged: [])
}

func tinyOptions(_ precision: String = "float32") -> TrainingOptions {
    TrainingOptions(
        objective: "tiny", start: "start", data: "data", seed: 7, batchSize: 4,
        schedule: Schedule(peak: 0.1, floor: 0, warmUpSteps: 2, steps: 12), weightDecay: 0.05, gradientLimit: 1,
        precision: precision, threads: 1)
}
