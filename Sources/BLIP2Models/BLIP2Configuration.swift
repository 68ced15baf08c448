package import Foundation
package import ModelDescriptions
import Tensors
import VisionLanguage

/// The sizes of a BLIP-2 model of phase 1: a frozen image encoder, a Q-Former, and the heads of the three objectives.
package struct BLIP2Configuration: Sendable, Equatable {
    package var encoder: ImageEncoderConfiguration
    package var qformer: QFormerConfiguration
    /// The width of the space in which images and texts are compared.
    package var jointWidth = 256
    /// The token that begins a text that is to be generated, `[DEC]`: the last of the vocabulary.
    package var startToken: Int { qformer.vocabulary - 1 }
    /// Epsilon of the norm between encoder and Q-Former; transformers takes the encoder's, LAVIS 1e-5.
    package var imageNormEpsilon: Double

    /// The paper's Q-Former behind `encoder`.
    package init(encoder: ImageEncoderConfiguration) {
        self.encoder = encoder
        qformer = QFormerConfiguration()
        qformer.imageWidth = encoder.vision.width
        imageNormEpsilon = encoder.vision.epsilon
    }

    /// The paper's larger model.
    package static let vitG14 = BLIP2Configuration(encoder: .vitG14)

    /// The paper's smaller model.
    package static let vitL14 = BLIP2Configuration(encoder: .vitL14)

    /// Reads `config.json` as `Blip2ForImageTextRetrieval` writes it; absent keys have the class's defaults.
    package init(json: Data) throws(ConfigurationError) {
        let object = try ConfigurationObject(json: json)
        try object.requireModel("blip-2")
        encoder = try ImageEncoderConfiguration(blip2: object)
        let queries = try object.size("num_query_tokens", 32)
        qformer = try QFormerConfiguration(
            object.object("qformer_config"), queries: queries, imageWidth: encoder.vision.width)
        jointWidth = try object.size("image_text_hidden_size", 256)
        imageNormEpsilon = encoder.vision.epsilon
        // Phase 1 has no language model: what is said of one changes nothing here.
        _ = try object.objectIfPresent("text_config")
        try object.finish(.ofBLIP2)
    }

    /// What `Blip2ForImageTextRetrieval` reads, as `config.json`.
    package func json() throws -> Data {
        let texts: [String: Any] = [
            "architectures": ["Blip2ForImageTextRetrieval"], "image_token_index": NSNull(),
            "text_config": ["model_type": "opt"],
        ]
        return try json(texts, readsTexts: true)
    }

    /// What `Blip2ForConditionalGeneration` reads, as `config.json`, with the language model of `family` that its own
    /// `config.json` describes; `imageToken` stands for a query in its prompts.
    ///
    /// `hasOwnHead` says whether the weights have a head that is no copy of the word table, as FlanT5's have: transformers
    /// takes it from the weights, but scales the states before it by the description, in which version 5 writes the wrong word.
    /// Nil leaves the description as it is. `readsText` says whether the Q-Former reads text.
    package func json(
        languageModel: Data, _ family: LanguageModelFamily, imageToken: Int?, hasOwnHead: Bool? = nil,
        readsText: Bool = false
    ) throws -> Data {
        var text = try ObjectText(json: languageModel)
        if family == .t5, let hasOwnHead {
            for key in ["tie_word_embeddings", "scale_decoder_outputs"] { text[key] = "\(!hasOwnHead)" }
        }
        let texts: [String: Any] = [
            "architectures": ["Blip2ForConditionalGeneration"],
            "image_token_index": imageToken.map { $0 as Any } ?? NSNull(),
            "use_decoder_only_language_model": family == .opt,
        ]
        var whole = try ObjectText(json: json(texts, readsTexts: readsText))
        whole["text_config"] = String(decoding: text.data.dropLast(), as: UTF8.self)  // without the line feed
        return whole.data
    }

    /// The description, with what `texts` says of texts.
    private func json(_ texts: [String: Any], readsTexts: Bool) throws -> Data {
        let (vision, isEVA) = (encoder.vision, encoder.kind == .eva)
        let values: [String: Any] = [
            "model_type": "blip-2", "num_query_tokens": qformer.queries, "image_text_hidden_size": jointWidth,
            "vision_config": [
                "model_type": isEVA ? "blip_2_vision_model" : "clip_vision_model", "hidden_size": vision.width,
                "intermediate_size": vision.innerWidth, "num_hidden_layers": vision.layers,
                "num_attention_heads": vision.heads, "image_size": vision.imageSide, "patch_size": vision.patchSide,
                "layer_norm_eps": vision.epsilon, "hidden_act": vision.activation.name, "qkv_bias": true,
            ],
            "qformer_config": [
                "model_type": "blip_2_qformer", "vocab_size": qformer.vocabulary, "hidden_size": qformer.width,
                "intermediate_size": qformer.innerWidth, "num_hidden_layers": qformer.layers,
                "num_attention_heads": qformer.heads, "max_position_embeddings": qformer.positions,
                "layer_norm_eps": qformer.epsilon, "hidden_act": qformer.activation.name,
                "cross_attention_frequency": qformer.crossFrequency, "encoder_hidden_size": qformer.imageWidth,
                "hidden_dropout_prob": qformer.hiddenDropout,
                "attention_probs_dropout_prob": qformer.attentionDropout, "use_qformer_text_input": readsTexts,
            ],
        ]
        return try JSONSerialization.data(
            withJSONObject: values.merging(texts) { _, text in text },
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }
}
