package import Decoding
package import Layers
package import Tensors

// Shape letters of this file: B images, S image tokens, E width of the image states, N rows (captions), T new tokens,
// D model width, V vocabulary.

/// BLIP's text decoder: a BERT with cross-attention to an image in every layer, and a language-model head.
///
/// Source: transformers `models/blip/modeling_blip_text.py`, `BlipTextLMHeadModel`.
package struct TextDecoder {
    let configuration: DecoderConfiguration
    let words: Tensor  // [V, D]
    let positions: Tensor
    let embeddingNorm: LayerNorm
    let layers: [DecoderLayer]
    private let transform: Linear
    private let transformNorm: LayerNorm
    private let head: Linear  // [V, D]: the word table, where it is tied

    /// The decoder of `weights`, for image states of width `imageWidth` that come `imageRows` rows at a time.
    package init(
        _ weights: Weights, _ configuration: DecoderConfiguration, imageWidth: Int, imageRows: Int
    ) throws(WeightsError) {
        let width = configuration.width
        let (bert, predictions) = (weights.scoped("bert"), weights.scoped("cls.predictions"))
        let embeddings = bert.scoped("embeddings")
        self.configuration = configuration
        words = try embeddings.tensor("word_embeddings.weight", [configuration.vocabulary, width])
        positions = try embeddings.tensor("position_embeddings.weight", [configuration.positions, width])
        embeddingNorm = try LayerNorm(embeddings.scoped("LayerNorm"), width, epsilon: configuration.epsilon)
        var layers: [DecoderLayer] = []
        for layer in 0..<configuration.layers {
            let scope = bert.scoped("encoder.layer.\(layer)")
            layers.append(try DecoderLayer(scope, configuration, imageWidth: imageWidth, imageRows: imageRows))
        }
        self.layers = layers
        transform = try Linear(predictions.scoped("transform.dense"), in: width, out: width)
        transformNorm = try LayerNorm(
            predictions.scoped("transform.LayerNorm"), width, epsilon: configuration.epsilon)
        let (weight, bias) = try Self.head(predictions, configuration, words: words)
        head = try preparing("word_embeddings.weight") { () throws(TorchError) in
            try Linear(weight: weight, bias: bias, packingRows: weights.packingRows)
        }
    }

    /// Weight and bias of the head: the checkpoint's own where it has them, whatever the configuration says, and tied ones
    /// otherwise, unless the configuration forbids them.
    ///
    /// Source: transformers `modeling_utils.py`, `PreTrainedModel.tie_weights`.
    private static func head(
        _ predictions: Weights, _ configuration: DecoderConfiguration, words: Tensor
    ) throws(WeightsError) -> (weight: Tensor, bias: Tensor) {
        let (vocabulary, width) = (configuration.vocabulary, configuration.width)
        let isOwn = predictions.has("decoder.weight") || !configuration.isTied
        let hasOwnBias = predictions.has("decoder.bias") || !configuration.isTied
        return (
            isOwn ? try predictions.tensor("decoder.weight", [vocabulary, width]) : words,
            try predictions.tensor(hasOwnBias ? "decoder.bias" : "bias", [vocabulary])
        )
    }

    /// The keys and values of image states `[B, S, E]` in every layer: what captions see of their image.
    package func see(_ statesBSE: Tensor) throws(TorchError) -> SeenImages {
        var seen: [KeysValues] = []
        for layer in layers { seen.append(try layer.keysValues(statesBSE)) }
        return SeenImages(layers: seen)
    }

    /// For each layer a cache of no tokens for `rows` rows, with room for `room`.
    package func emptyCache(rows: Int, room: Int) throws(TorchError) -> [GrowingCache] {
        try GrowingCache.empty(
            layers: layers.count, rows: rows, heads: configuration.heads, room: room,
            width: configuration.width / configuration.heads, words.dtype, on: words.device)
    }

    /// The states `[N, T, D]` of the next tokens `ids` of each row, `N * T` in row order; the cache takes them in.
    ///
    /// Several tokens at once only at the start of the text. Without a cache the tokens are all there are, as in training.
    package func states(
        _ ids: [Int], _ cache: [GrowingCache]?, _ images: SeenImages, _ layout: RowLayout, rows: Int
    ) throws(TorchError) -> Tensor {
        let (tokens, device, start) = (ids.count / rows, words.device, cache?.first?.length ?? 0)
        precondition(tokens == 1 || start == 0, "the mask of several tokens after others is not made")
        let index = try Tensor(ids, shape: [ids.count]).to(.int64, on: device)
        let wordsNTD = try words.selecting(0, index).reshaped([rows, tokens, configuration.width])
        var xNTD = try embeddingNorm(wordsNTD + positions.narrowed(0, start..<start + tokens))
        for (number, layer) in layers.enumerated() {
            xNTD = try layer(xNTD, cache?[number], image: images.layers[number], layout)
        }
        return xNTD
    }

    /// The logits `[..., V]` of the token after each state `[..., D]`, in float32.
    package func logits(_ states: Tensor) throws(TorchError) -> Tensor {
        try head(transformNorm(transform(states, configuration.activation))).to(.float32)
    }
}

/// Images as the text decoder sees them: keys and values for every layer.
package struct SeenImages {
    let layers: [KeysValues]
}
