import Decoding
package import Layers
package import Tensors

// Shape letters of this file: B prompts, N rows, T tokens, S positions of the encoder, D model width, V vocabulary.

/// T5 with its encoder and decoder: T5, T5 1.1, FlanT5.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5ForConditionalGeneration`.
package struct T5 {
    package let configuration: T5Configuration
    package let words: Tensor  // [V, D]
    let decoder: T5Decoder
    private var encoder: T5Encoder
    private let head: Linear  // [V, D]
    /// What states are multiplied by before the head.
    private let outputScale: Double
    /// Whether the encoder keeps no more of a layer than its input for the backward pass, and computes it again there.
    ///
    /// The decoder's texts are short, and its layers hold what the encoder made.
    package var recomputes: Bool {
        get { encoder.recomputes }
        set { encoder.recomputes = newValue }
    }

    /// The model of `weights`, in the layout of the model hub.
    ///
    /// With packed weights it is for inference alone.
    package init(_ weights: Weights, _ configuration: T5Configuration) throws(WeightsError) {
        self.configuration = configuration
        let shape = [configuration.vocabulary, configuration.width]
        words = try weights.tensor("shared.weight", shape)
        encoder = try T5Encoder(weights.scoped("encoder"), configuration, words.dtype)
        decoder = try T5Decoder(weights.scoped("decoder"), configuration, words.dtype)
        head = try languageHead(weights, words, shape, isTied: configuration.isTied)
        let isTied = try Self.usesWordTable(weights, words, shape, configuration)
        let scales = configuration.scalesOutput ?? (isTied && configuration.isTied)
        outputScale = scales ? 1 / Double(configuration.width).squareRoot() : 1
    }

    /// Whether the head is the word table: files of tied models may hold it twice.
    private static func usesWordTable(
        _ weights: Weights, _ words: Tensor, _ shape: [Int], _ configuration: T5Configuration
    ) throws(WeightsError) -> Bool {
        guard weights.has("lm_head.weight") else { return configuration.isTied }
        let own = try weights.tensor("lm_head.weight", shape)
        return try preparing("lm_head.weight") { () throws(TorchError) in
            try own.detached().isEqual(to: words.detached()).isAllTrue()
        }
    }

    /// Whether a tensor of a checkpoint says nothing: copies of the word table, and a table that old files have and no
    /// version read.
    package static func isHarmless(_ key: String) -> Bool {
        key.hasSuffix("coder.embed_tokens.weight")
            || key.hasSuffix("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight")
    }

    /// The encoder's states `[B, S, D]` of what rows are given.
    package func encode(_ given: PaddedEmbeddings) throws(TorchError) -> Tensor {
        try encoder(given.values.to(words.dtype), bias: given.keyBias(on: words.device))
    }

    /// What rows are given, as the decoder sees it: made once, shared by all texts behind it.
    func see(_ given: PaddedEmbeddings) throws(TorchError) -> PromptMemory {
        let states = try encode(given)
        return try PromptMemory(
            decoder.keysValues(states), bias: given.keyBias(on: words.device), prompts: given.count, on: words.device)
    }

    /// The decoder's states `[N, T, D]` of texts' tokens from the start, each `[N][T]`.
    func states(_ tokens: [[Int]], _ prompts: PromptMemory) throws(TorchError) -> Tensor {
        let length = tokens[0].count
        let embeddings = try embeddings(tokens.flatMap { $0 }, [tokens.count, length, configuration.width])
        return try decoder(embeddings, prompts, past: 0, nil)
    }

    /// The logits `[..., V]`, float32, of the token behind each state `[..., D]`.
    func logits(of states: Tensor) throws(TorchError) -> Tensor {
        try head(outputScale == 1 ? states : states * outputScale).to(.float32)
    }

    /// The logits `[B, T, V]`, float32, of the token behind each of `tokens`, which are as many in every row and begin with
    /// the start token.
    package func logits(_ given: PaddedEmbeddings, _ tokens: [[Int]]) throws(TorchError) -> Tensor {
        try logits(of: states(tokens, see(given)))
    }
}

/// T5's encoder.
struct T5Encoder {
    private let layers: [(T5SelfAttention, T5FeedForward)]
    private let positions: RelativePositions
    private let norm: RMSNorm
    var recomputes = false

    init(_ weights: Weights, _ configuration: T5Configuration, _ dtype: DType) throws(WeightsError) {
        var layers: [(T5SelfAttention, T5FeedForward)] = []
        for number in 0..<configuration.encoderLayers {
            let scope = weights.scoped("block.\(number)")
            layers.append(
                (
                    try T5SelfAttention(scope.scoped("layer.0"), configuration),
                    try T5FeedForward(scope.scoped("layer.1"), configuration, dtype)
                ))
        }
        self.layers = layers
        positions = try RelativePositions(
            weights.scoped("block.0.layer.0.SelfAttention"), configuration, looksAhead: true)
        norm = try RMSNorm(weights.scoped("final_layer_norm"), configuration.width, epsilon: configuration.epsilon)
    }

    /// Maps embeddings `[B, S, D]` to states; `bias` hides what is not there.
    func callAsFunction(_ xBSD: Tensor, bias: Tensor?) throws(TorchError) -> Tensor {
        let length = xBSD.shape[1]
        var scores = try positions.bias(0..<length, keys: length)
        if let bias { scores = try scores + bias }
        var x = xBSD
        for (attention, feedForward) in layers {
            guard recomputes else {
                x = try feedForward(attention(x, bias: scores))
                continue
            }
            let bias = try scores.detached()
            x = try recomputing(x) { x throws(TorchError) in try feedForward(attention(x, bias: bias)) }
        }
        return try norm(x)
    }
}

/// T5's decoder.
struct T5Decoder {
    private let layers: [(own: T5SelfAttention, cross: T5CrossAttention, feedForward: T5FeedForward)]
    private let positions: RelativePositions
    private let norm: RMSNorm

    init(_ weights: Weights, _ configuration: T5Configuration, _ dtype: DType) throws(WeightsError) {
        var layers: [(T5SelfAttention, T5CrossAttention, T5FeedForward)] = []
        for number in 0..<configuration.decoderLayers {
            let scope = weights.scoped("block.\(number)")
            layers.append(
                (
                    try T5SelfAttention(scope.scoped("layer.0"), configuration),
                    try T5CrossAttention(scope.scoped("layer.1"), configuration),
                    try T5FeedForward(scope.scoped("layer.2"), configuration, dtype)
                ))
        }
        self.layers = layers
        positions = try RelativePositions(
            weights.scoped("block.0.layer.0.SelfAttention"), configuration, looksAhead: false)
        norm = try RMSNorm(weights.scoped("final_layer_norm"), configuration.width, epsilon: configuration.epsilon)
    }

    var layerCount: Int { layers.count }

    /// For each layer the keys and values of the encoder's states `[B, S, D]`.
    func keysValues(_ statesBSD: Tensor) throws(TorchError) -> [SharedKeysValues] {
        var made: [SharedKeysValues] = []
        for layer in layers { made.append(try layer.cross.keysValues(statesBSD)) }
        return made
    }

    /// Maps embeddings `[N, T, D]` of tokens behind `past` others to states.
    ///
    /// A cache for each layer holds the keys and values of those others. Several tokens at once only at the start of the text.
    func callAsFunction(
        _ xNTD: Tensor, _ prompts: PromptMemory, past: Int, _ caches: [GrowingCache]?
    ) throws(TorchError) -> Tensor {
        let length = xNTD.shape[1]
        precondition(length == 1 || past == 0, "the mask of several tokens after others is not made")
        var bias = try positions.bias(past..<past + length, keys: past + length)
        if length > 1 { bias = try bias + causal(length, on: xNTD.device) }
        var x = xNTD
        for (number, layer) in layers.enumerated() {
            x = try layer.own(x, bias: bias, caches?[number])
            x = try layer.feedForward(layer.cross(x, prompts, layer: number))
        }
        return try norm(x)
    }

    /// What hides later tokens, `[1, 1, T, T]`.
    private func causal(_ length: Int, on device: Device) throws(TorchError) -> Tensor {
        let values = (0..<length).flatMap { query in (0..<length).map { $0 <= query ? 0 : hidden } }
        return try Tensor(values, shape: [1, 1, length, length]).to(.float32, on: device)
    }
}
