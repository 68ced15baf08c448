package import Layers
package import Tensors

// Shape letters of this file: B images, S side in pixels, G patches a side, Q side of a patch, T tokens, D model width.

/// A vision transformer: patches and a class token through pre-norm blocks.
///
/// Source: transformers `models/blip/modeling_blip.py`, `BlipVisionModel`; `models/clip/modeling_clip.py`,
/// `CLIPVisionTransformer`.
package struct VisionTransformer {
    private let configuration: VisionConfiguration
    private let patch: Linear  // [D, 3QQ]
    private let classToken: Tensor  // [1, 1, D] or [D]
    private let position: Tensor  // [1, T, D] or [T, D]
    private let before: LayerNorm?
    private let blocks: [TransformerBlock]
    private let after: LayerNorm?
    private let dtype: DType
    /// Whether no more of a block than its input is kept for the backward pass, which computes the block again.
    package var recomputes = false

    /// A transformer of the parts that a checkpoint of any layout has; without `after` the states are those after the
    /// last block.
    package init(
        _ configuration: VisionConfiguration, _ parts: VisionParts, blocks: [TransformerBlock], after: LayerNorm?
    ) {
        self.configuration = configuration
        (patch, classToken, position) = (parts.patch, parts.classToken, parts.position)
        before = parts.before
        self.blocks = blocks
        self.after = after
        dtype = parts.position.dtype
    }

    /// BLIP's: patches with a bias, fused queries, keys and values.
    package init(blip weights: Weights, _ configuration: VisionConfiguration) throws(WeightsError) {
        let width = configuration.width
        let embeddings = weights.scoped("embeddings")
        self.configuration = configuration
        classToken = try embeddings.tensor("class_embedding", [1, 1, width])
        position = try embeddings.tensor("position_embedding", [1, configuration.tokens, width])
        dtype = position.dtype
        patch = try visionPatch(embeddings.scoped("patch_embedding"), configuration, bias: true)
        before = nil
        var blocks: [TransformerBlock] = []
        for layer in 0..<configuration.layers {
            let scope = weights.scoped("encoder.layers.\(layer)")
            let qkv = try Linear(scope.scoped("self_attn.qkv"), in: width, out: 3 * width)
            blocks.append(try TransformerBlock(scope, configuration.block, qkv: qkv, names: .blip))
        }
        self.blocks = blocks
        after = try LayerNorm(weights.scoped("post_layernorm"), width, epsilon: configuration.epsilon)
    }

    /// CLIP's: patches without a bias, a norm before the first block.
    package init(clip weights: Weights, _ configuration: VisionConfiguration) throws(WeightsError) {
        let width = configuration.width
        let embeddings = weights.scoped("embeddings")
        self.configuration = configuration
        classToken = try embeddings.tensor("class_embedding", [width])
        position = try embeddings.tensor("position_embedding.weight", [configuration.tokens, width])
        dtype = position.dtype
        patch = try visionPatch(embeddings.scoped("patch_embedding"), configuration, bias: false)
        // The misspelt name is the checkpoint's.
        before = try LayerNorm(weights.scoped("pre_layrnorm"), width, epsilon: configuration.epsilon)
        blocks = try clipBlocks(weights.scoped("encoder"), configuration.layers, configuration.block)
        after = try LayerNorm(weights.scoped("post_layernorm"), width, epsilon: configuration.epsilon)
    }

    /// The states of all tokens after the last norm, where there is one, `[B, T, D]`, of normalized pixels
    /// `[B, 3, S, S]`.
    package func callAsFunction(_ pixels: Tensor) throws(TorchError) -> Tensor {
        var xBTD = try embed(pixels)
        for block in blocks {
            xBTD = try recomputes ? recomputing(xBTD) { x throws(TorchError) in try block(x) } : block(xBTD)
        }
        return try after?(xBTD) ?? xBTD
    }

    /// The class token's state after the last norm, `[B, D]`, of normalized pixels `[B, 3, S, S]`.
    package func classState(_ pixels: Tensor) throws(TorchError) -> Tensor {
        var xBTD = try embed(pixels)
        for block in blocks.dropLast() { xBTD = try block(xBTD) }
        // A configuration has at least one block, so there is a last one.
        let xB1D = try blocks[blocks.count - 1].firstToken(xBTD)
        let xBD = try xB1D.reshaped([xBTD.shape[0], configuration.width])
        return try after?(xBD) ?? xBD
    }

    private func embed(_ pixels: Tensor) throws(TorchError) -> Tensor {
        let (grid, side, width) = (configuration.grid, configuration.patchSide, configuration.width)
        let images = pixels.shape[0]
        let patches = try pixels.to(dtype)
            .reshaped([images, 3, grid, side, grid, side]).permuted([0, 2, 4, 1, 3, 5])
            .reshaped([images, grid * grid, 3 * side * side])
        let first = try classToken.expanded([images, 1, width])
        let xBTD = try concatenated([first, patch(patches)], dimension: 1) + position
        guard let before else { return xBTD }
        return try before(xBTD)
    }
}

/// What comes before the blocks of a vision transformer.
package struct VisionParts {
    let patch: Linear  // [D, 3QQ]
    let classToken: Tensor  // [1, 1, D] or [D]
    let position: Tensor  // [1, T, D] or [T, D]
    let before: LayerNorm?

    package init(patch: Linear, classToken: Tensor, position: Tensor, before: LayerNorm?) {
        (self.patch, self.classToken, self.position) = (patch, classToken, position)
        self.before = before
    }
}

extension VisionConfiguration {
    /// The sizes of one block.
    package var block: BlockShape {
        BlockShape(width: width, innerWidth: innerWidth, heads: heads, epsilon: epsilon, activation: activation)
    }
}

/// The convolution `weights` over patches; it is a linear map, since its stride is its size.
package func visionPatch(
    _ weights: Weights, _ configuration: VisionConfiguration, bias: Bool
) throws(WeightsError) -> Linear {
    let (width, side) = (configuration.width, configuration.patchSide)
    let weight = try weights.tensor("weight", [width, 3, side, side])
    let bias = bias ? try weights.tensor("bias", [width]) : nil
    return try preparing("patch_embedding.weight") { () throws(TorchError) in
        try Linear(kernel: weight, bias: bias, packingRows: weights.packingRows)
    }
}

/// The blocks `layers.0` and so on of one of CLIP's towers.
package func clipBlocks(_ weights: Weights, _ layers: Int, _ shape: BlockShape) throws(WeightsError)
    -> [TransformerBlock]
{
    var blocks: [TransformerBlock] = []
    for layer in 0..<layers {
        let scope = weights.scoped("layers.\(layer)")
        let qkv = try Linear(
            fusing: ["q_proj", "k_proj", "v_proj"], scope.scoped("self_attn"), in: shape.width, out: shape.width)
        blocks.append(try TransformerBlock(scope, shape, qkv: qkv, names: .clip))
    }
    return blocks
}
