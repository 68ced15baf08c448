package import Tensors

/// Normalization of the last dimension by its root mean square, with a learned scale.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5LayerNorm`.
package struct RMSNorm {
    private let weight: Tensor  // [D]
    private let epsilon: Double

    /// The parameter `weight` of `weights`.
    package init(_ weights: Weights, _ width: Int, epsilon: Double) throws(WeightsError) {
        weight = try weights.tensor("weight", [width])
        self.epsilon = epsilon
    }

    /// The result has the element type of the weight, whatever that of `x` is; squares are summed in float32.
    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try rmsNorm(x, weight: weight, epsilon: epsilon)
    }
}
