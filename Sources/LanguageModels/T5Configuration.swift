package import Foundation
package import ModelDescriptions
package import Tensors

/// The sizes of a T5 model, `config.json` as `T5ForConditionalGeneration` writes it, or `text_config` of a BLIP-2 model's.
package struct T5Configuration: Sendable, Equatable {
    package var vocabulary = 32128
    package var width = 512
    /// The width of a head; the heads together may be wider or narrower than `width`.
    package var headWidth = 64
    package var heads = 8
    package var innerWidth = 2048
    package var encoderLayers = 6
    package var decoderLayers = 6
    /// How many classes of distances are told apart.
    package var buckets = 32
    /// Distances from here on are all the same.
    package var longestDistance = 128
    package var epsilon = 1e-6
    /// Whether the feed-forward has a second map that the first is multiplied by: T5 1.1 and FlanT5.
    package var isGated = false
    /// What the feed-forward does between its maps.
    ///
    /// Files of FlanT5 say GELU by tanh; LAVIS computes with the exact one.
    package var activation = Activation.relu
    package var padToken = 0
    /// The token that the decoder begins with.
    package var startToken = 0
    package var endToken = 1
    /// Whether the head is the word table where the weights have no head of its own.
    package var isTied = true
    /// Whether the states before a tied head are scaled by `width` to the power of -1/2; nil where the file does not say.
    package var scalesOutput: Bool?

    package init() {}

    /// Reads the configuration file `json`.
    package init(json: Data) throws(ConfigurationError) {
        try self.init(ConfigurationObject(json: json))
    }

    /// Reads the description `object`; absent keys have the defaults of transformers' class.
    package init(_ object: ConfigurationObject) throws(ConfigurationError) {
        try object.requireModel("t5")
        vocabulary = try object.size("vocab_size", vocabulary)
        width = try object.size("d_model", width)
        headWidth = try object.size("d_kv", headWidth)
        heads = try object.size("num_heads", heads)
        innerWidth = try object.size("d_ff", innerWidth)
        encoderLayers = try object.size("num_layers", encoderLayers)
        decoderLayers =
            object.value("num_decoder_layers") == .null
            ? encoderLayers : try object.size("num_decoder_layers", encoderLayers)
        buckets = try object.size("relative_attention_num_buckets", buckets)
        longestDistance = try object.size("relative_attention_max_distance", longestDistance)
        epsilon = try object.number("layer_norm_epsilon", epsilon)
        try readFeedForward(object)
        padToken = try object.token("pad_token_id", padToken)
        startToken = try object.token("decoder_start_token_id", padToken)
        endToken = try object.token("eos_token_id", endToken)
        isTied = try object.flag("tie_word_embeddings", true)
        if let value = object.value("scale_decoder_outputs"), value != .null {
            scalesOutput = try object.flag("scale_decoder_outputs", false)
        }
        guard buckets % 4 == 0, longestDistance > buckets / 2 else {
            throw object.error(
                "relative_attention_num_buckets",
                "\(buckets) is no multiple of 4, or relative_attention_max_distance \(longestDistance) is too small")
        }
        try object.finish(.ofLanguageModels)
    }

    /// `feed_forward_proj` says whether there is a gate, and the function; `dense_act_fn`, which newer files have too, says
    /// the function again, and counts.
    private mutating func readFeedForward(_ object: ConfigurationObject) throws(ConfigurationError) {
        let known: [String: (Bool, Activation)] = [
            "relu": (false, .relu), "gated-gelu": (true, .geluTanh), "gelu": (false, .gelu),
            "gated-relu": (true, .relu),
        ]
        if let value = object.value("feed_forward_proj") {
            guard case .text(let name) = value, let form = known[name] else {
                throw object.error(
                    "feed_forward_proj", "\(value.shown) is not supported, only relu, gelu, gated-relu or gated-gelu")
            }
            (isGated, activation) = form
        }
        if let value = object.value("dense_act_fn"), value != .null {
            let functions: [String: Activation] = ["relu": .relu, "gelu": .gelu, "gelu_new": .geluTanh]
            guard case .text(let name) = value, let function = functions[name] else {
                throw object.error("dense_act_fn", "\(value.shown) is not supported, only relu, gelu or gelu_new")
            }
            activation = function
        }
        try object.require("is_gated_act", [.flag(isGated)])
    }

    /// What transformers' class reads, for `config.json`.
    package var values: [String: Any] {
        let function = activation == .geluTanh ? "gelu_new" : activation.name
        return [
            "architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "is_encoder_decoder": true,
            "vocab_size": vocabulary, "d_model": width, "d_kv": headWidth, "d_ff": innerWidth, "num_heads": heads,
            "num_layers": encoderLayers, "num_decoder_layers": decoderLayers,
            "relative_attention_num_buckets": buckets, "relative_attention_max_distance": longestDistance,
            "layer_norm_epsilon": epsilon,
            "feed_forward_proj": (isGated ? "gated-" : "") + (activation == .relu ? "relu" : "gelu"),
            "dense_act_fn": function, "is_gated_act": isGated, "pad_token_id": padToken,
            "decoder_start_token_id": startToken, "eos_token_id": endToken, "tie_word_embeddings": isTied,
            "scale_decoder_outputs": scalesOutput ?? isTied,
        ]
    }
}
