import BLIP2Models
import Foundation
import Layers
import Tensors
import TestSupport
import Testing

/// A tiny checkpoint of phase 1 with what PyTorch made of it: one of those that `Tests/Goldens/make_blip2_goldens.py`
/// wrote, or `blip2_stage1` of the folder that the environment variable GOLDENS names, which has the same form.
struct PhaseOneGolden: CustomTestStringConvertible, Sendable {
    let directory: String

    /// The folder that GOLDENS names, if it does.
    static let given = ProcessInfo.processInfo.environment["GOLDENS"].map { [$0] } ?? []

    static let all: [PhaseOneGolden] =
        given.isEmpty
        ? ["even", "odd"].map { PhaseOneGolden(directory: Project.root + "/Tests/Goldens/blip2/" + $0) }
        : given.map { PhaseOneGolden(directory: $0 + "/blip2_stage1") }

    var testDescription: String { URL(fileURLWithPath: directory).lastPathComponent }

    func configuration() throws -> BLIP2Configuration {
        try BLIP2Configuration(json: Data(contentsOf: URL(fileURLWithPath: directory + "/config.json")))
    }

    func model() throws -> Checkpoint { try Checkpoint(directory: directory) }
    func golden() throws -> Checkpoint { try Checkpoint(file: directory + "/golden.safetensors") }

    func tensor(_ name: String) throws -> Tensor { try golden().tensor(name) }
    func floats(_ name: String) throws -> [Float] { try tensor(name).floats() }

    /// All texts without padding.
    func texts() throws -> [[Int]] {
        let (ids, mask) = (try tensor("input_ids"), try tensor("attention_mask"))
        let (values, kept, width) = (try ids.integers(), try mask.integers(), ids.shape[1])
        return (0..<ids.shape[0]).map { row in
            (0..<width).filter { kept[row * width + $0] == 1 }.map { values[row * width + $0] }
        }
    }

    /// The pairs of one process.
    func pairs() throws -> Int { try tensor("w1.r0.i2t").shape[0] }

    /// The tensors of the model by the hub's names, those that transformers' class lacks among them.
    func tensors() throws -> [String: Tensor] {
        let recording = Weights.recording()
        _ = try PhaseOneModel(configuration(), recording)
        let (model, golden) = (try model(), try golden())
        var tensors: [String: Tensor] = [:]
        for (name, _) in recording.recorded {
            tensors[name] = try Self.head[name].map { try golden.tensor($0.value) } ?? model.tensor(name)
        }
        return tensors
    }

    func parameters() throws -> Parameters { try Parameters(tensors(), on: .cpu) }

    /// What the file calls the values, and the gradients, of what transformers' class lacks.
    static let head: [String: (value: String, gradient: String)] = [
        "cls.predictions.transform.dense.weight": ("lm_head.dense.weight", "cls.dense.weight"),
        "cls.predictions.transform.dense.bias": ("lm_head.dense.bias", "cls.dense.bias"),
        "cls.predictions.transform.LayerNorm.weight": ("lm_head.norm.weight", "cls.norm.weight"),
        "cls.predictions.transform.LayerNorm.bias": ("lm_head.norm.bias", "cls.norm.bias"),
        "cls.predictions.bias": ("lm_head.bias", "cls_bias"), "temp": ("temp", "temp"),
    ]

    /// Compares the gradient of every parameter with that under `prefix`; returns the largest difference in units of the
    /// gradient's largest element.
    func worstGradient(_ parameters: Parameters, _ prefix: String) throws -> (distance: Float, name: String) {
        let golden = try golden()
        var worst: (distance: Float, name: String) = (0, "none")
        for (name, parameter) in zip(parameters.names, parameters.tensors) {
            let key = prefix + (Self.head[name]?.gradient ?? "itr." + name)
            let made = try parameter.gradient().floats()
            let wanted = try golden.shape(of: key).map { _ in try golden.tensor(key).floats() }
            let expected = wanted ?? [Float](repeating: 0, count: made.count)
            // A key's bias moves all logits of a row alike: its true gradient is 0, and what is there is rounding.
            let isKeyBias = name.hasSuffix("attention.key.bias")
            let size = isKeyBias ? 1 : max(expected.map(abs).max() ?? 0, 1e-3)
            let distance = zip(made, expected).map { abs($0 - $1) }.max() ?? 0
            if distance / size > worst.distance || distance.isNaN { worst = (distance / size, name) }
        }
        return worst
    }
}

/// The largest difference.
func distance(_ a: [Float], _ b: [Float]) -> Float {
    precondition(a.count == b.count, "\(a.count) values against \(b.count)")
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}
