package import Tensors

/// An affine map of the last dimension.
package struct Linear {
    private enum Weight {
        case plain(Tensor)  // [out, in]
        case packed(PackedWeight)
        /// A convolution's weight `[out, C, S, S]`, read as `[out, C·S·S]`.
        case kernel(Tensor)
        /// Several layers in training, each `[out / n, in]`, and their biases, if they have any: put together at every call.
        case parts([Tensor], biases: [Tensor])
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

    /// A convolution whose stride is its size, `kernel` `[out, C, S, S]`, as a map of patches of `C·S·S` values.
    package init(kernel: Tensor, bias: Tensor?, packingRows: Int? = nil) throws(TorchError) {
        self.bias = bias
        if let packingRows, let packed = try PackedWeight(Self.matrix(kernel), rows: packingRows) {
            weight = .packed(packed)
        } else {
            weight = .kernel(kernel)
        }
    }

    /// The parameters `weight` and `bias` of `weights`.
    package init(_ weights: Weights, in inputs: Int, out outputs: Int, bias: Bool = true) throws(WeightsError) {
        try self.init(
            weights, "weight", weights.tensor("weight", [outputs, inputs]),
            bias ? weights.tensor("bias", [outputs]) : nil)
    }

    /// Layers `names` of one input, `outputs` each, as one: their results lie side by side.
    ///
    /// In inference they are put together once; in training at every call, and each keeps its own parameters.
    package init(
        fusing names: [String], _ weights: Weights, in inputs: Int, out outputs: Int, bias hasBias: Bool = true
    ) throws(WeightsError) {
        let parts = try weights.tensors(names.map { $0 + ".weight" }, [outputs, inputs])
        let biases = hasBias ? try weights.tensors(names.map { $0 + ".bias" }, [outputs]) : []
        guard weights.keepsLayouts else {
            self.init(weight: .parts(parts, biases: biases), bias: nil)
            return
        }
        let (weight, bias) = try preparing(names[0] + ".weight") { () throws(TorchError) in
            (try concatenated(parts, dimension: 0), try Self.joined(biases))
        }
        try self.init(weights, names[0], weight, bias)
    }

    private init(weight: Weight, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
    }

    /// `weight` `[out, in]` and `bias` `[out]`, put together from parameters of `weights` and packed as those are; `name`
    /// is what errors call them.
    package init(_ weights: Weights, _ name: String, _ weight: Tensor, _ bias: Tensor?) throws(WeightsError) {
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
        case .kernel(let kernel): try linear(x, weight: Self.matrix(kernel), bias: bias)
        case .parts(let parts, let biases):
            try linear(x, weight: concatenated(parts, dimension: 0), bias: Self.joined(biases))
        }
    }

    /// The map, then `activation`.
    package func callAsFunction(_ x: Tensor, _ activation: Activation) throws(TorchError) -> Tensor {
        guard case .packed(let weight) = weight else { return try activation(self(x)) }
        return try weight(x, bias: bias, activation)
    }

    /// The map, plus `residual`.
    package func callAsFunction(_ x: Tensor, adding residual: Tensor) throws(TorchError) -> Tensor {
        guard case .packed(let weight) = weight else { return try self(x) + residual }
        return try weight(x, bias: bias, adding: residual)
    }

    /// The map of what `norm` makes of `x`, of which `standardized` is the part without scale and shift; in training.
    ///
    /// Scale and shift are put into the map, whose gradients lead to theirs: where `x` is a constant, no product of the
    /// size of `x` is needed for them.
    package func callAsFunction(
        standardized x: Tensor, by norm: LayerNorm
    ) throws(TorchError) -> Tensor {
        let (weight, bias) = try whole()
        let shift = try weight.exactlyTimes(norm.bias.reshaped([norm.bias.shape[0], 1])).reshaped([weight.shape[0]])
        return try linear(
            x, weight: weight * norm.weight, bias: bias.map { bias throws(TorchError) in try bias + shift } ?? shift)
    }

    /// Weight and bias, put together where they are kept apart.
    private func whole() throws(TorchError) -> (Tensor, Tensor?) {
        switch weight {
        case .plain(let weight): (weight, bias)
        case .kernel(let kernel): (try Self.matrix(kernel), bias)
        case .parts(let parts, let biases):
            (try concatenated(parts, dimension: 0), try Self.joined(biases))
        case .packed: preconditionFailure("a packed weight is not put together again")
        }
    }

    /// The biases one after the other; nil where there are none.
    private static func joined(_ biases: [Tensor]) throws(TorchError) -> Tensor? {
        biases.isEmpty ? nil : try concatenated(biases, dimension: 0)
    }

    private static func matrix(_ kernel: Tensor) throws(TorchError) -> Tensor {
        let shape = kernel.shape
        return try kernel.reshaped([shape[0], shape.dropFirst().reduce(1, *)])
    }
}
