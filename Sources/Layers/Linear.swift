package import Tensors

/// An affine map of the last dimension.
package struct Linear {
    private enum Weight {
        case plain(Tensor)  // [out, in]
        case packed(PackedWeight)
    }

    private let weight: Weight
    private let bias: Tensor?  // [out]

    /// `weight` `[out, in]` and `bias` `[out]`, packed for inputs of about `packingRows` rows where that is given.
    package init(weight: Tensor, bias: Tensor?, packingRows: Int? = nil) throws(TorchError) {
        self.bias = bias
        if let packingRows, let packed = try PackedWeight(weight, rows: packingRows) {
            self.weight = .packed(packed)
        } else {
            self.weight = .plain(weight)
        }
    }

    /// The parameters `weight` and `bias` of `weights`.
    package init(_ weights: Weights, in inputs: Int, out outputs: Int, bias: Bool = true) throws(WeightsError) {
        try self.init(
            weights, "weight", weights.tensor("weight", [outputs, inputs]),
            bias ? weights.tensor("bias", [outputs]) : nil)
    }

    /// Layers `names` of one input, `outputs` each, as one: their results lie side by side.
    package init(fusing names: [String], _ weights: Weights, in inputs: Int, out outputs: Int) throws(WeightsError) {
        try self.init(
            weights, names[0], weights.fused(names.map { $0 + ".weight" }, [outputs, inputs]),
            weights.fused(names.map { $0 + ".bias" }, [outputs]))
    }

    private init(weight: Weight, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }

    private init(_ weights: Weights, _ name: String, _ weight: Tensor, _ bias: Tensor?) throws(WeightsError) {
        self = try preparing(name) { () throws(TorchError) in
            if weights.usesInt8, weights.packingRows != nil, let packed = try PackedWeight(int8: weight) {
                return Linear(weight: .packed(packed), bias: bias)
            }
            return try Linear(weight: weight, bias: bias, packingRows: weights.packingRows)
        }
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch weight {
        case .plain(let weight): try linear(x, weight: weight, bias: bias)
        case .packed(let weight): try weight(x, bias: bias)
        }
    }

    /// The map, then `activation`.
    package func callAsFunction(_ x: Tensor, _ activation: Activation) throws(TorchError) -> Tensor {
        switch weight {
        case .plain: try activation(self(x))
        case .packed(let weight): try weight(x, bias: bias, activation)
        }
    }

    /// The map, plus `residual`.
    package func callAsFunction(_ x: Tensor, adding residual: Tensor) throws(TorchError) -> Tensor {
        switch weight {
        case .plain: try self(x) + residual
        case .packed(let weight): try weight(x, bias: bias, adding: residual)
        }
    }
}
