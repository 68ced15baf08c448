package import Foundation
import Layers
package import ModelDescriptions
package import Tensors

/// The sizes of a Q-Former.
package struct QFormerConfiguration: Sendable, Equatable {
    /// Tokens of the text vocabulary, `[DEC]` behind BERT's among them.
    package var vocabulary = 30523
    package var width = 768
    package var innerWidth = 3072
    package var layers = 12
    package var heads = 12
    /// The longest text in tokens.
    package var positions = 512
    package var epsilon = 1e-12
    package var activation = Activation.gelu
    /// Every so many layers, from the first, queries attend to the image.
    package var crossFrequency = 2
    /// The width of the image encoder's states.
    package var imageWidth = 1408
    /// The learned queries an image.
    package var queries = 32
    /// How often hidden states are dropped in training.
    package var hiddenDropout = 0.1
    /// How often weights of attention are dropped in training.
    package var attentionDropout = 0.1

    /// The paper's, with BERT-base's sizes, for image states of width 1408.
    package init() {}

    /// Whether queries attend to the image in layer `layer`.
    package func hasCross(_ layer: Int) -> Bool { layer % crossFrequency == 0 }

    /// The sizes of the BERT that `json`, its `config.json`, describes, with one token more; queries, cross-attention and
    /// dropout are the paper's.
    package init(bert json: Data) throws(ConfigurationError) {
        self.init()
        let object = try ConfigurationObject(json: json)
        try object.requireModel("bert")
        vocabulary = try object.size("vocab_size", 30522) + 1
        try readLayers(object)
        try object.finish(.ofBERT)
    }

    /// The sizes that a model's description says: `object` is its `qformer_config`.
    init(
        _ object: ConfigurationObject, queries: Int, imageWidth: Int
    ) throws(ConfigurationError) {
        self.init()
        self.queries = queries
        vocabulary = try object.size("vocab_size", 30522)
        try readLayers(object)
        crossFrequency = try object.size("cross_attention_frequency", crossFrequency)
        self.imageWidth = try object.size("encoder_hidden_size", 1408)
        hiddenDropout = try Self.rate(object, "hidden_dropout_prob")
        attentionDropout = try Self.rate(object, "attention_probs_dropout_prob")
        try object.finish(.ofQFormers)
        guard self.imageWidth == imageWidth else {
            throw object.error(
                "encoder_hidden_size", "\(self.imageWidth), but the image encoder's states have width \(imageWidth)")
        }
    }

    /// Reads what a BERT has too.
    private mutating func readLayers(_ object: ConfigurationObject) throws(ConfigurationError) {
        width = try object.size("hidden_size", width)
        innerWidth = try object.size("intermediate_size", innerWidth)
        layers = try object.size("num_hidden_layers", layers)
        heads = try object.size("num_attention_heads", heads)
        positions = try object.size("max_position_embeddings", positions)
        epsilon = try object.number("layer_norm_eps", epsilon)
        activation = try object.activation(activation)
        try object.requireHeads(heads, of: width)
    }

    private static func rate(_ object: ConfigurationObject, _ key: String) throws(ConfigurationError) -> Double {
        guard let value = object.value(key) else { return 0.1 }
        guard case .number(let rate) = value, (0..<1).contains(rate) else {
            throw object.error(key, "\(value.shown) is not at least 0 and below 1")
        }
        return rate
    }
}
