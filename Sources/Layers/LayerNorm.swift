package import Tensors

/// Normalization of the last dimension, with a learned scale and shift.
package struct LayerNorm {
    private let weight: Tensor  // [D]
    private let bias: Tensor  // [D]
    private let epsilon: Double

    /// The parameters `weight` and `bias` of `weights`.
    package init(_ weights: Weights, _ width: Int, epsilon: Double) throws(WeightsError) {
        weight = try weights.tensor("weight", [width])
        bias = try weights.tensor("bias", [width])
        self.epsilon = epsilon
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try layerNorm(x, weight: weight, bias: bias, epsilon: epsilon)
    }
}
