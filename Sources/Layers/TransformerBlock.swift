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

    /// The block of `weights`, with `qkv` from whatever parts its checkpoint has.
    package init(_ weights: Weights, _ shape: BlockShape, qkv: Linear, names: BlockNames) throws(WeightsError) {
        let (width, inner) = (shape.width, shape.innerWidth)
        norm1 = try LayerNorm(weights.scoped(names.norm1), width, epsilon: shape.epsilon)
        self.qkv = qkv
        projection = try Linear(weights.scoped(names.projection), in: width, out: width)
        norm2 = try LayerNorm(weights.scoped(names.norm2), width, epsilon: shape.epsilon)
        fc1 = try Linear(weights.scoped(names.fc1), in: width, out: inner)
        fc2 = try Linear(weights.scoped(names.fc2), in: inner, out: width)
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

/// What a checkpoint calls the parts of a transformer block, queries, keys and values aside.
package struct BlockNames: Sendable {
    let norm1: String
    let projection: String
    let norm2: String
    let fc1: String
    let fc2: String

    /// `BlipEncoderLayer`'s, which BLIP-2's image encoder shares.
    package static let blip = BlockNames("layer_norm1", "self_attn.projection", "layer_norm2", "mlp.fc1", "mlp.fc2")
    /// `CLIPEncoderLayer`'s.
    package static let clip = BlockNames("layer_norm1", "self_attn.out_proj", "layer_norm2", "mlp.fc1", "mlp.fc2")
    /// EVA's, which LAVIS keeps.
    package static let eva = BlockNames("norm1", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    /// OpenAI's CLIP's, which LAVIS keeps.
    package static let openAI = BlockNames("ln_1", "attn.out_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")

    private init(_ norm1: String, _ projection: String, _ norm2: String, _ fc1: String, _ fc2: String) {
        (self.norm1, self.projection, self.norm2) = (norm1, projection, norm2)
        (self.fc1, self.fc2) = (fc1, fc2)
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
