import Foundation
import Layers
import Tensors
import TestSupport
import VisionLanguage

/// A tiny checkpoint that `Tests/Goldens/make_model_goldens.py` wrote, and what transformers made of it.
struct GoldenModel {
    let directory: String
    private let golden: Checkpoint

    init(_ name: String) throws {
        directory = Project.root + "/Tests/Goldens/models/" + name
        golden = try Checkpoint(file: directory + "/golden.safetensors")
    }

    func tensor(_ name: String) throws -> Tensor { try golden.tensor(name) }
    func floats(_ name: String) throws -> [Float] { try golden.tensor(name).floats() }

    /// The rows of a matrix of ids.
    func rows(_ name: String) throws -> [[Int]] {
        let tensor = try golden.tensor(name)
        let (values, width) = (try tensor.integers(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }

    /// The rows of a float matrix.
    func floatRows(_ name: String) throws -> [[Float]] {
        let tensor = try golden.tensor(name)
        let (values, width) = (try tensor.floats(), tensor.shape[1])
        return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }

    func blip(_ dtype: DType = .float32) throws -> BLIP {
        let configuration = try BLIPConfiguration(json: json())
        return try BLIP(configuration, Weights(Checkpoint(directory: directory), dtype, on: .cpu))
    }

    func clip(_ dtype: DType = .float32) throws -> CLIP {
        let configuration = try CLIPConfiguration(json: json())
        return try CLIP(configuration, Weights(Checkpoint(directory: directory), dtype, on: .cpu))
    }

    /// The models in `precision`.
    func blip(in precision: Precision) throws -> BLIP {
        let configuration = try BLIPConfiguration(json: json())
        return try BLIP(configuration, Weights(Checkpoint(directory: directory), precision, on: .cpu))
    }

    func clip(in precision: Precision) throws -> CLIP {
        let configuration = try CLIPConfiguration(json: json())
        return try CLIP(configuration, Weights(Checkpoint(directory: directory), precision, on: .cpu))
    }

    func json() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: directory + "/config.json")) }

    /// The images as the pipeline has them.
    func pixels() throws -> [[UInt8]] {
        let tensor = try golden.tensor("pixels")
        let (bytes, count) = (try tensor.bytes(), tensor.shape[0])
        let size = bytes.count / count
        return (0..<count).map { Array(bytes[$0 * size..<($0 + 1) * size]) }
    }
}

/// The largest difference.
func distance(_ a: [Float], _ b: [Float]) -> Float {
    precondition(a.count == b.count, "\(a.count) values against \(b.count)")
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
}
