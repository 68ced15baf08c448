package import Layers
package import Tensors

// Shape letters of this file: B images or texts, T tokens, D model width, J width of the joint space.

/// CLIP: an image tower and a text tower into one space, where cosine similarity judges how well they fit.
///
/// Source: transformers `models/clip/modeling_clip.py`, `CLIPModel`.
package struct CLIP {
    package let configuration: CLIPConfiguration
    private let vision: VisionTransformer
    private let visualProjection: Linear
    private let text: TextTower
    private let textProjection: Linear
    private let logitScale: Tensor  // the logarithm of what training multiplies cosines with

    /// The model of `weights`, a checkpoint in the layout of the model hub; every tensor's shape is checked.
    package init(_ configuration: CLIPConfiguration, _ weights: Weights) throws(WeightsError) {
        let joint = configuration.jointWidth
        self.configuration = configuration
        vision = try VisionTransformer(
            clip: weights.scoped("vision_model").packed(rows: configuration.vision.tokens), configuration.vision)
        visualProjection = try Linear(
            weights.scoped("visual_projection"), in: configuration.vision.width, out: joint, bias: false)
        // Eleven captions of a dozen tokens is what the text tower usually runs.
        text = try TextTower(weights.scoped("text_model").packed(rows: 128), configuration.text)
        textProjection = try Linear(
            weights.scoped("text_projection"), in: configuration.text.width, out: joint, bias: false)
        logitScale = try weights.tensor("logit_scale", [])
        try weights.finish { $0.hasSuffix("embeddings.position_ids") }
    }

    /// The unit vectors `[B, J]`, float32, of normalized pixels `[B, 3, side, side]`.
    package func images(_ pixels: Tensor) throws(TorchError) -> Tensor {
        try projected(images: pixels).normalized()
    }

    /// The unit vectors `[B, J]`, float32, of texts as token ids, each with its end token.
    ///
    /// Attention is causal, so what comes after the end token cannot matter: the tower runs at the longest text of the
    /// batch, not at the full context; or at `length`, where that is more and the model has so many positions.
    package func texts(_ ids: [[Int]], length: Int = 0) throws(TorchError) -> Tensor {
        try projected(texts: ids, length: length).normalized()
    }

    /// `images` before their length is made 1.
    package func projected(images pixels: Tensor) throws(TorchError) -> Tensor {
        try visualProjection(vision.classState(pixels)).to(.float32)
    }

    /// `texts` before their length is made 1.
    package func projected(texts ids: [[Int]], length: Int = 0) throws(TorchError) -> Tensor {
        try textProjection(text(ids, length: length)).to(.float32)
    }

    /// What training multiplies cosines with, a scalar.
    package func scale() throws(TorchError) -> Tensor { try logitScale.to(.float32).exponential() }
}

/// CLIP's causal text transformer, pooled at the end token.
struct TextTower {
    private let configuration: TextTowerConfiguration
    private let tokens: Tensor
    private let positions: Tensor
    private let blocks: [TransformerBlock]
    private let finalNorm: LayerNorm

    init(_ weights: Weights, _ configuration: TextTowerConfiguration) throws(WeightsError) {
        let width = configuration.width
        self.configuration = configuration
        tokens = try weights.tensor("embeddings.token_embedding.weight", [configuration.vocabulary, width])
        positions = try weights.tensor("embeddings.position_embedding.weight", [configuration.positions, width])
        let shape = BlockShape(
            width: width, innerWidth: configuration.innerWidth, heads: configuration.heads,
            epsilon: configuration.epsilon, activation: configuration.activation, causal: true)
        blocks = try clipBlocks(weights.scoped("encoder"), configuration.layers, shape)
        finalNorm = try LayerNorm(weights.scoped("final_layer_norm"), width, epsilon: configuration.epsilon)
    }

    /// The state `[B, D]` of the first end token of each text; the end token is each text's last.
    func callAsFunction(_ ids: [[Int]], length least: Int) throws(TorchError) -> Tensor {
        let ends = ids.map { text in text.firstIndex { $0 == text.last } ?? 0 }
        let length = max((ends.max() ?? 0) + 1, min(least, configuration.positions))
        let padded = zip(ids, ends).flatMap { text, end in
            text[...end] + [Int](repeating: 0, count: length - end - 1)
        }
        let device = tokens.device
        let index = try Tensor(padded, shape: [padded.count]).to(.int64, on: device)
        let embedded = try tokens.selecting(0, index).reshaped([ids.count, length, configuration.width])
        var xBTD = try embedded + positions.narrowed(0, 0..<length)
        for block in blocks { xBTD = try block(xBTD) }
        let rows = ends.enumerated().map { $0 * length + $1 }
        let pick = try Tensor(rows, shape: [rows.count]).to(.int64, on: device)
        return try finalNorm(xBTD.reshaped([ids.count * length, configuration.width]).selecting(0, pick))
    }
}
