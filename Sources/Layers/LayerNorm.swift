package import Tensors

/// Normalization of the last dimension, with a learned scale and shift.
package struct LayerNorm {
    let weight: Tensor  // [D]
    let bias: Tensor  // [D]
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

    /// The normalized input before scale and shift; that of a constant is a constant.
    package func standardized(_ x: Tensor) throws(TorchError) -> Tensor {
        let (one, zero) = (
            try Tensor.empty(weight.shape, weight.dtype, on: weight.device), try bias.detached().copied()
        )
        try one.fill(1)
        try zero.fill(0)
        return try layerNorm(x, weight: one, bias: zero, epsilon: epsilon)
    }
}
