import Layers
import Tensors

// Shape letters of this file: N rows, T tokens, D model width, H heads.

/// One layer of OPT: causal self-attention and a feed-forward with ReLU, each with a norm before it, or behind it in
/// OPT-350M.
///
/// Source: transformers `models/opt/modeling_opt.py`, `OPTDecoderLayer`.
struct OPTLayer {
    private let qkv: Linear
    private let output: Linear
    private let attentionNorm: LayerNorm
    private let fc1: Linear
    private let fc2: Linear
    private let finalNorm: LayerNorm
    private let heads: Int
    private let normsFirst: Bool

    init(_ weights: Weights, _ configuration: OPTConfiguration) throws(WeightsError) {
        let (width, inner) = (configuration.width, configuration.innerWidth)
        let attention = weights.scoped("self_attn")
        qkv = try Linear(fusing: ["q_proj", "k_proj", "v_proj"], attention, in: width, out: width)
        output = try Linear(attention.scoped("out_proj"), in: width, out: width)
        attentionNorm = try LayerNorm(weights.scoped("self_attn_layer_norm"), width, epsilon: 1e-5)
        fc1 = try Linear(weights.scoped("fc1"), in: width, out: inner)
        fc2 = try Linear(weights.scoped("fc2"), in: inner, out: width)
        finalNorm = try LayerNorm(weights.scoped("final_layer_norm"), width, epsilon: 1e-5)
        heads = configuration.heads
        normsFirst = configuration.normsFirst
    }

    /// Maps `[N, T, D]` to `[N, T, D]`; `attend` gives the attention of queries to keys and values, each `[N, H, T, D/H]`.
    func callAsFunction(
        _ xNTD: Tensor, _ attend: (_ q: Tensor, _ k: Tensor, _ v: Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        let fused = try qkv(normsFirst ? attentionNorm(xNTD) : xNTD)
        let split = try splitHeads(fused, parts: 3, heads: heads)
        // Queries are scaled before they are multiplied: in float16 the products stay small.
        let scale = 1 / Double(split[0].shape[3]).squareRoot()
        let attended = try mergeHeads(attend(split[0] * scale, split[1], split[2]))
        if normsFirst {
            let hNTD = try output(attended, adding: xNTD)
            return try fc2(fc1(finalNorm(hNTD), .relu), adding: hNTD)
        }
        let hNTD = try attentionNorm(output(attended, adding: xNTD))
        return try finalNorm(fc2(fc1(hNTD, .relu), adding: hNTD))
    }
}
