import Decoding
import Layers
import Tensors

// Shape letters of this file: N rows, T tokens, S positions of the encoder, D model width, H heads, F inner width.

/// A layer's attention among the tokens of a row, added to them.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5LayerSelfAttention`. Scores are not scaled.
struct T5SelfAttention {
    private let norm: RMSNorm
    private let qkv: Linear
    private let output: Linear
    private let heads: Int

    init(_ weights: Weights, _ configuration: T5Configuration) throws(WeightsError) {
        let (width, inner) = (configuration.width, configuration.heads * configuration.headWidth)
        let attention = weights.scoped("SelfAttention")
        norm = try RMSNorm(weights.scoped("layer_norm"), width, epsilon: configuration.epsilon)
        qkv = try Linear(fusing: ["q", "k", "v"], attention, in: width, out: inner, bias: false)
        output = try Linear(attention.scoped("o"), in: inner, out: width, bias: false)
        heads = configuration.heads
    }

    /// Maps `[N, T, D]` to `[N, T, D]`; `bias` is added to the scores.
    ///
    /// With a cache, the tokens before are seen too.
    func callAsFunction(_ xNTD: Tensor, bias: Tensor?, _ cache: GrowingCache? = nil) throws(TorchError) -> Tensor {
        let split = try splitHeads(qkv(norm(xNTD)), parts: 3, heads: heads)
        var (keys, values) = (split[1], split[2])
        if let cache {
            let all = try cache.append(TokenKeysValues(keys: keys, values: values))
            (keys, values) = (all.keys, all.values)
        }
        return try output(mergeHeads(attended(split[0], keys, values, bias: bias)), adding: xNTD)
    }
}

/// A layer's attention of a row's tokens to what the encoder made of its prompt, added to them.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5LayerCrossAttention`.
struct T5CrossAttention {
    private let norm: RMSNorm
    private let query: Linear
    private let keyValue: Linear
    private let output: Linear
    private let heads: Int

    init(_ weights: Weights, _ configuration: T5Configuration) throws(WeightsError) {
        let (width, inner) = (configuration.width, configuration.heads * configuration.headWidth)
        let attention = weights.scoped("EncDecAttention")
        norm = try RMSNorm(weights.scoped("layer_norm"), width, epsilon: configuration.epsilon)
        query = try Linear(attention.scoped("q"), in: width, out: inner, bias: false)
        keyValue = try Linear(fusing: ["k", "v"], attention, in: width, out: inner, bias: false)
        output = try Linear(attention.scoped("o"), in: inner, out: width, bias: false)
        heads = configuration.heads
    }

    /// The keys and values of the encoder's states `[G, S, D]`, made once a prompt.
    func keysValues(_ statesGSD: Tensor) throws(TorchError) -> SharedKeysValues {
        let split = try splitHeads(keyValue(statesGSD), parts: 2, heads: heads)
        return try SharedKeysValues(keys: split[0], values: split[1])
    }

    /// Maps `[N, T, D]` to `[N, T, D]`, for rows of `prompts`, whose `layer` this is.
    func callAsFunction(_ xNTD: Tensor, _ prompts: PromptMemory, layer: Int) throws(TorchError) -> Tensor {
        let queries = try splitHeads(query(norm(xNTD)), parts: 1, heads: heads)[0]
        let seen = prompts.layers[layer]
        let scores = try seen.scores(queries, prompts.layout, bias: prompts.bias)
        let attended = try seen.weighted(scores.softmax().to(queries.dtype), prompts.layout)
        return try output(mergeHeads(attended), adding: xNTD)
    }
}

/// A layer's feed-forward, added to its input.
///
/// In float16 the last map, whose results may be larger than float16 holds, and the sum are float32.
///
/// Source: transformers `models/t5/modeling_t5.py`, `T5LayerFF`, and `_keep_in_fp32_modules`.
struct T5FeedForward {
    private let norm: RMSNorm
    private let inner: Linear
    private let gate: Linear?
    private let output: Linear
    private let activation: Activation
    private let isWide: Bool

    init(_ weights: Weights, _ configuration: T5Configuration, _ dtype: DType) throws(WeightsError) {
        let (width, inner) = (configuration.width, configuration.innerWidth)
        let maps = weights.scoped("DenseReluDense")
        norm = try RMSNorm(weights.scoped("layer_norm"), width, epsilon: configuration.epsilon)
        let first = maps.scoped(configuration.isGated ? "wi_0" : "wi")
        self.inner = try Linear(first, in: width, out: inner, bias: false)
        gate = configuration.isGated ? try Linear(maps.scoped("wi_1"), in: width, out: inner, bias: false) : nil
        isWide = dtype == .float16
        output = try Linear((isWide ? maps.inFloat32() : maps).scoped("wo"), in: inner, out: width, bias: false)
        activation = configuration.activation
    }

    /// Maps `[N, T, D]` to `[N, T, D]`.
    func callAsFunction(_ xNTD: Tensor) throws(TorchError) -> Tensor {
        let normed = try norm(xNTD)
        var hNTF = try inner(normed, activation)
        if let gate { hNTF = try hNTF * gate(normed) }
        guard isWide else { return try output(hNTF, adding: xNTD) }
        return try output(hNTF.to(.float32), adding: xNTD.to(.float32))
    }
}
