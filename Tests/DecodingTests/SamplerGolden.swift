import Tensors
import TestSupport

/// What transformers' processors of logits make of some; `Tests/Goldens/make_model_goldens.py` wrote it.
struct SamplerGolden {
    private let golden: Checkpoint

    init() throws {
        golden = try Checkpoint(file: Project.root + "/Tests/Goldens/models/sampler/golden.safetensors")
    }

    /// The rows of a matrix of ids.
    func rows(_ name: String) throws -> [[Int]] {
        let tensor = try golden.tensor(name)
        return rows(of: try tensor.integers(), tensor.shape[1])
    }

    /// The rows of a float matrix.
    func floatRows(_ name: String) throws -> [[Float]] {
        let tensor = try golden.tensor(name)
        return rows(of: try tensor.floats(), tensor.shape[1])
    }

    private func rows<Value>(of values: [Value], _ width: Int) -> [[Value]] {
        stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }
}
