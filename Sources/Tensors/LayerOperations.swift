import CTorch

/// The function between the two linear maps of a feed-forward block.
package enum Activation: Sendable {
    /// x · Φ(x), exact.
    case gelu
    /// x · σ(1.702 x), CLIP's approximation.
    case quickGELU
    /// The larger of x and 0.
    case relu
    /// x · Φ(x), approximated by tanh.
    case geluTanh

    /// What model descriptions call it.
    package var name: String {
        switch self {
        case .gelu: "gelu"
        case .quickGELU: "quick_gelu"
        case .relu: "relu"
        case .geluTanh: "gelu_new"
        }
    }

    var code: Int32 {
        switch self {
        case .gelu: Int32(CT_GELU)
        case .quickGELU: Int32(CT_QUICK_GELU)
        case .relu: Int32(CT_RELU)
        case .geluTanh: Int32(CT_GELU_TANH)
        }
    }

    /// The function of every element of `x`.
    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .gelu: try make("gelu") { ct_gelu(x.handle, &$0) }
        case .quickGELU: try make("quick_gelu") { ct_quick_gelu(x.handle, &$0) }
        case .relu: try make("relu") { ct_relu(x.handle, &$0) }
        case .geluTanh: try make("gelu") { ct_gelu_tanh(x.handle, &$0) }
        }
    }
}

/// `x · weightᵀ + bias` over the last dimension; `weight` is `[out, in]`.
package func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) throws(TorchError) -> Tensor {
    try make("linear") { ct_linear(x.handle, weight.handle, bias?.handle, &$0) }
}

/// The last dimension with mean 0 and variance 1, then scaled by `weight` and shifted by `bias`.
package func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Double) throws(TorchError) -> Tensor {
    try make("layer_norm") { ct_layer_norm(x.handle, weight.handle, bias.handle, epsilon, &$0) }
}

/// The last dimension divided by its root mean square, then scaled by `weight`, whose element type the result has.
package func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Double) throws(TorchError) -> Tensor {
    try make("rms_norm") { ct_rms_norm(x.handle, weight.handle, epsilon, &$0) }
}

/// Softmax attention of `q` `[B, H, T, D]` over `k` and `v` `[B, H, S, D]`, scaled by D^-0.5; causal needs T = S.
package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, causal: Bool = false) throws(TorchError) -> Tensor {
    try make("attention") { ct_attention(q.handle, k.handle, v.handle, causal, &$0) }
}
