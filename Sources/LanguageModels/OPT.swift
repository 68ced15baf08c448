import Decoding
package import Layers
package import Tensors

// Shape letters of this file: B rows, T positions, D model width, W width of the word table, V vocabulary, P positions of
// the model, H heads.

/// OPT, any size of it.
///
/// Source: transformers `models/opt/modeling_opt.py`, `OPTForCausalLM`.
package struct OPT {
    package let configuration: OPTConfiguration
    package let words: Tensor  // [V, W]
    let layers: [OPTLayer]
    private let positions: Tensor  // [P + 2, D]
    private let projectIn: Linear?
    private let projectOut: Linear?
    private let finalNorm: LayerNorm?
    private let head: Linear  // [V, W]: the word table, where it is tied
    /// Whether the loss keeps no more of a layer than its input for the backward pass, and computes it again there.
    package var recomputes = false

    /// The first two rows of the table of positions belong to nothing.
    private static let positionOffset = 2

    /// The model of `weights`, in the layout of the model hub.
    ///
    /// With packed weights it is for inference alone.
    package init(_ weights: Weights, _ configuration: OPTConfiguration) throws(WeightsError) {
        let (width, wordWidth) = (configuration.width, configuration.wordWidth)
        // Files of the bare decoder leave "model." out.
        let isBare = weights.has("decoder.embed_tokens.weight")
        let decoder = weights.scoped(isBare ? "decoder" : "model.decoder")
        self.configuration = configuration
        words = try decoder.tensor("embed_tokens.weight", [configuration.vocabulary, wordWidth])
        positions = try decoder.tensor(
            "embed_positions.weight", [configuration.positions + Self.positionOffset, width])
        let isProjected = wordWidth != width
        projectIn =
            isProjected ? try Linear(decoder.scoped("project_in"), in: wordWidth, out: width, bias: false) : nil
        projectOut =
            isProjected ? try Linear(decoder.scoped("project_out"), in: width, out: wordWidth, bias: false) : nil
        var layers: [OPTLayer] = []
        for number in 0..<configuration.layers {
            layers.append(try OPTLayer(decoder.scoped("layers.\(number)"), configuration))
        }
        self.layers = layers
        finalNorm =
            configuration.hasFinalNorm
            ? try LayerNorm(decoder.scoped("final_layer_norm"), width, epsilon: 1e-5) : nil
        head = try languageHead(
            weights, words, [configuration.vocabulary, wordWidth], isTied: configuration.isTied)
    }

    /// Whether a tensor of a checkpoint says nothing: the head's second copy is asked for by nobody.
    package static func isHarmless(_ key: String) -> Bool { key.hasSuffix("embed_positions.position_ids") }

    /// The states `[B, T, D]` of embeddings `[B, T, W]` at the positions `numbers`, in row order; `attend` is asked for
    /// the attention of each layer.
    func states(
        _ embeddings: Tensor, numbers: [Int],
        _ attend: (_ layer: Int, _ q: Tensor, _ k: Tensor, _ v: Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        var xBTD = try placed(embeddings, numbers)
        for (number, layer) in layers.enumerated() {
            xBTD = try layer(xBTD) { q, k, v throws(TorchError) in try attend(number, q, k, v) }
        }
        return xBTD
    }

    /// Embeddings `[B, T, W]` at the positions `numbers`, `[B, T, D]`.
    private func placed(_ embeddings: Tensor, _ numbers: [Int]) throws(TorchError) -> Tensor {
        let shape = embeddings.shape
        let index = try Tensor(numbers.map { $0 + Self.positionOffset }, shape: [numbers.count])
            .to(.int64, on: words.device)
        let placesBTD = try positions.selecting(0, index).reshaped([shape[0], shape[1], configuration.width])
        var xBTD = try embeddings.to(words.dtype)
        if let projectIn { xBTD = try projectIn(xBTD) }
        return try xBTD + placesBTD
    }

    /// The states of what rows are given, and the keys and values of every layer.
    func read(
        _ given: PaddedEmbeddings
    ) throws(TorchError) -> (states: Tensor, own: [TokenKeysValues]) {
        try requirePositions(given.lengths.max() ?? 0)
        let bias = try given.causalBias(on: words.device)
        var own: [TokenKeysValues] = []
        let states = try states(given.values, numbers: given.numbers) { _, q, k, v throws(TorchError) in
            own.append(TokenKeysValues(keys: k, values: v))
            return try attended(q, k, v, bias: bias)
        }
        return (states, own)
    }

    /// The states `[B, T, D]` of what rows are given, for a loss.
    func states(_ given: PaddedEmbeddings) throws(TorchError) -> Tensor {
        guard recomputes else { return try read(given).states }
        try requirePositions(given.lengths.max() ?? 0)
        let bias = try given.causalBias(on: words.device)
        var xBTD = try placed(given.values, given.numbers)
        for layer in layers {
            xBTD = try recomputing(xBTD) { x throws(TorchError) in
                try layer(x) { q, k, v throws(TorchError) in try attended(q, k, v, bias: bias) }
            }
        }
        return xBTD
    }

    /// The logits `[..., V]`, float32, of the token behind each state `[..., D]`.
    func logits(of states: Tensor) throws(TorchError) -> Tensor {
        var x = states
        if let finalNorm { x = try finalNorm(x) }
        if let projectOut { x = try projectOut(x) }
        return try head(x).to(.float32)
    }

    /// The logits `[B, T, V]`, float32, of the token behind each position of what rows are given.
    package func logits(_ given: PaddedEmbeddings) throws(TorchError) -> Tensor {
        try logits(of: read(given).states)
    }

    /// Refuses texts of `count` tokens that are longer than the model has positions for.
    func requirePositions(_ count: Int) throws(TorchError) {
        guard count <= configuration.positions else {
            throw TorchError(
                operation: "OPT",
                message: "a text of \(count) tokens; the model has \(configuration.positions) positions")
        }
    }
}

/// The head of a language model: the weights' own where they have one, whatever the description says, and the word table
/// `words` of `shape` where they have none and `isTied` allows it.
func languageHead(
    _ weights: Weights, _ words: Tensor, _ shape: [Int], isTied: Bool
) throws(WeightsError) -> Linear {
    let isOwn = weights.has("lm_head.weight") || !isTied
    let weight = isOwn ? try weights.tensor("lm_head.weight", shape) : words
    return try preparing("lm_head.weight") { () throws(TorchError) in
        try Linear(weight: weight, bias: nil, packingRows: weights.packingRows)
    }
}
