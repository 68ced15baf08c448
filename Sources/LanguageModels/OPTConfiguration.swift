package import Foundation
package import ModelDescriptions

/// The sizes of an OPT model, `config.json` as `OPTForCausalLM` writes it, or `text_config` of a BLIP-2 model's.
package struct OPTConfiguration: Sendable, Equatable {
    package var vocabulary = 50272
    package var width = 768
    package var innerWidth = 3072
    package var layers = 12
    package var heads = 12
    /// The longest text in tokens, what it is given counted.
    package var positions = 2048
    /// The width of the word table: another than `width` in OPT-350M.
    package var wordWidth = 768
    /// Whether norms stand before attention and feed-forward; in OPT-350M they stand behind.
    package var normsFirst = true
    /// Whether there is a norm behind the last layer; only with `normsFirst`.
    package var hasFinalNorm = true
    package var padToken = 1
    package var startToken = 2
    /// The token that ends a text: `</s>`, or the line feed in BLIP-2's files.
    package var endToken = 2
    /// Whether the head is the word table where the weights have no head of its own.
    package var isTied = true

    package init() {}

    /// Reads the configuration file `json`.
    package init(json: Data) throws(ConfigurationError) {
        try self.init(ConfigurationObject(json: json))
    }

    /// Reads the description `object`; absent keys have the defaults of transformers' class.
    package init(_ object: ConfigurationObject) throws(ConfigurationError) {
        try object.requireModel("opt")
        vocabulary = try object.size("vocab_size", vocabulary)
        width = try object.size("hidden_size", width)
        innerWidth = try object.size("ffn_dim", innerWidth)
        layers = try object.size("num_hidden_layers", layers)
        heads = try object.size("num_attention_heads", heads)
        positions = try object.size("max_position_embeddings", positions)
        wordWidth = object.value("word_embed_proj_dim") == .null ? width : try object.size("word_embed_proj_dim", width)
        normsFirst = try object.flag("do_layer_norm_before", true)
        hasFinalNorm = normsFirst ? try !object.flag("_remove_final_layer_norm", false) : false
        _ = object.value("_remove_final_layer_norm")
        padToken = try object.token("pad_token_id", padToken)
        startToken = try object.token("bos_token_id", startToken)
        endToken = try object.token("eos_token_id", endToken)
        isTied = try object.flag("tie_word_embeddings", true)
        try object.requireHeads(heads, of: width)
        try object.require("activation_function", [.text("relu")])
        try object.require("enable_bias", [.flag(true)])
        try object.require("layer_norm_elementwise_affine", [.flag(true)])
        try object.finish(.ofLanguageModels)
    }

    /// What transformers' class reads, for `config.json`.
    package var values: [String: Any] {
        [
            "architectures": ["OPTForCausalLM"], "model_type": "opt", "vocab_size": vocabulary, "hidden_size": width,
            "ffn_dim": innerWidth, "num_hidden_layers": layers, "num_attention_heads": heads,
            "max_position_embeddings": positions, "word_embed_proj_dim": wordWidth, "do_layer_norm_before": normsFirst,
            "_remove_final_layer_norm": normsFirst && !hasFinalNorm, "activation_function": "relu",
            "enable_bias": true, "layer_norm_elementwise_affine": true, "pad_token_id": padToken,
            "bos_token_id": startToken, "eos_token_id": endToken, "tie_word_embeddings": isTied,
        ]
    }
}
