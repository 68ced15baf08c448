import CTorch

/// A linear layer's weight in the order in which a kernel reads it, with which the activation or the residual sum is
/// fused: for inference alone.
///
/// Packing costs a copy once and saves a reordering at every call; on the processor only.
package struct PackedWeight {
    private enum Layout {
        /// oneDNN's own.
        case blocked
        /// Our own of 8-bit integers, for so many outputs.
        case int8(outputs: Int)
    }

    private let weight: Tensor
    private let layout: Layout

    /// Packs `weight` `[out, in]`, float32 or bfloat16, for inputs of about `rows` rows; nil where device or libtorch
    /// have no such layout.
    package init?(_ weight: Tensor, rows: Int) throws(TorchError) {
        guard ct_can_pack(weight.handle) else { return nil }
        self.weight = try make("pack") { ct_pack_linear(weight.handle, Int64(rows), &$0) }
        layout = .blocked
    }

    /// Rounds `weight` `[out, in]` to 8-bit integers with a scale of each output, for inputs of bfloat16; nil where the
    /// processor has no such instructions or the kernel does not serve its width.
    package init?(int8 weight: Tensor) throws(TorchError) {
        guard weight.device == .cpu, weight.dtype == .bfloat16, ct_has_int8(Int64(weight.shape[1])) else { return nil }
        self.weight = try make("pack_int8") { ct_pack_int8(weight.handle, &$0) }
        layout = .int8(outputs: weight.shape[0])
    }

    /// `x · weightᵀ + bias`.
    package func callAsFunction(_ x: Tensor, bias: Tensor?) throws(TorchError) -> Tensor {
        try call(x, bias, Int32(CT_NONE), nil)
    }

    /// `activation(x · weightᵀ + bias)`.
    package func callAsFunction(_ x: Tensor, bias: Tensor?, _ activation: Activation) throws(TorchError) -> Tensor {
        // The kernel of 8-bit integers knows the two activations of the encoders.
        if case .int8 = layout, activation == .relu || activation == .geluTanh {
            return try activation(call(x, bias, Int32(CT_NONE), nil))
        }
        return try call(x, bias, activation.code, nil)
    }

    /// `x · weightᵀ + bias + residual`.
    package func callAsFunction(_ x: Tensor, bias: Tensor?, adding residual: Tensor) throws(TorchError) -> Tensor {
        try call(x, bias, Int32(CT_NONE), residual)
    }

    private func call(
        _ x: Tensor, _ bias: Tensor?, _ activation: Int32, _ residual: Tensor?
    ) throws(TorchError) -> Tensor {
        switch layout {
        case .blocked:
            try make("linear_packed") {
                ct_linear_packed(x.handle, weight.handle, bias?.handle, activation, residual?.handle, &$0)
            }
        case .int8(let outputs):
            try make("linear_int8") {
                ct_linear_int8(
                    x.handle, weight.handle, Int64(outputs), bias?.handle, activation, residual?.handle, &$0)
            }
        }
    }
}
