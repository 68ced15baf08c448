import CTorch

/// The function between the two linear maps of a feed-forward block.
package enum Activation: Sendable {
    /// x · Φ(x), exact.
    case gelu
    /// x · σ(1.702 x), CLIP's approximation.
    case quickGELU

    /// What model descriptions call it.
    package var name: String { self == .gelu ? "gelu" : "quick_gelu" }

    var code: Int32 { self == .gelu ? Int32(CT_GELU) : Int32(CT_QUICK_GELU) }

    /// The function of every element of `x`.
    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .gelu: try make("gelu") { ct_gelu(x.handle, &$0) }
        case .quickGELU: try make("quick_gelu") { ct_quick_gelu(x.handle, &$0) }
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

/// Softmax attention of `q` `[B, H, T, D]` over `k` and `v` `[B, H, S, D]`, scaled by D^-0.5; causal needs T = S.
package func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, causal: Bool = false) throws(TorchError) -> Tensor {
    try make("attention") { ct_attention(q.handle, k.handle, v.handle, causal, &$0) }
}
