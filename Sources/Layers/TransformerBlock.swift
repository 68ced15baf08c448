package import Tensors

// Shape letters of this file: B batch, T tokens, D model width.

/// A pre-norm transformer block: attention, then feed-forward, each added to its input.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPEncoderLayer`; `models/blip/modeling_blip.py`,
/// `BlipEncoderLayer`.
package struct TransformerBlock {
    private let norm1: LayerNorm
    private let qkv: Linear  // [3D, D]: queries, keys, values
    private let projection: Linear  // [D, D]
    private let norm2: LayerNorm
    private let fc1: Linear
    private let fc2: Linear
    private let attention: SelfAttention
    private let activation: Activation

    package init(_ weights: Weights, _ shape: BlockShape, qkv: Linear, projection: String) throws(WeightsError) {
        let (width, inner) = (shape.width, shape.innerWidth)
        norm1 = try LayerNorm(weights.scoped("layer_norm1"), width, epsilon: shape.epsilon)
        self.qkv = qkv
        self.projection = try Linear(weights.scoped("self_attn." + projection), in: width, out: width)
        norm2 = try LayerNorm(weights.scoped("layer_norm2"), width, epsilon: shape.epsilon)
        fc1 = try Linear(weights.scoped("mlp.fc1"), in: width, out: inner)
        fc2 = try Linear(weights.scoped("mlp.fc2"), in: inner, out: width)
        attention = SelfAttention(
            heads: shape.heads, causal: shape.causal, inference: weights.packingRows != nil)
        activation = shape.activation
    }

    /// Maps `[B, T, D]` to `[B, T, D]`.
    package func callAsFunction(_ xBTD: Tensor) throws(TorchError) -> Tensor {
        try feedForward(projection(attention(qkv(norm1(xBTD))), adding: xBTD))
    }

    /// The first token's row of the result, `[B, 1, D]`, without computing the others.
    package func firstToken(_ xBTD: Tensor) throws(TorchError) -> Tensor {
        let attended = try attention.firstToken(qkv(norm1(xBTD)))
        return try feedForward(projection(attended, adding: xBTD.narrowed(1, 0..<1).contiguous()))
    }

    private func feedForward(_ x: Tensor) throws(TorchError) -> Tensor {
        try fc2(fc1(norm2(x), activation), adding: x)
    }
}

/// The sizes of a transformer block.
package struct BlockShape: Sendable {
    package let width: Int
    package let innerWidth: Int
    package let heads: Int
    package let epsilon: Double
    package let activation: Activation
    package let causal: Bool

    package init(
        width: Int, innerWidth: Int, heads: Int, epsilon: Double, activation: Activation, causal: Bool = false
    ) {
        self.width = width
        self.innerWidth = innerWidth
        self.heads = heads
        self.epsilon = epsilon
        self.activation = activation
        self.causal = causal
    }
}
