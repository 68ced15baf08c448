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
        let (vision, isEVA) = (encoder.vision, encoder.kind == .eva)
        let values: [String: Any] = [
            "architectures": ["Blip2ForImageTextRetrieval"], "model_type": "blip-2",
            "num_query_tokens": qformer.queries, "image_text_hidden_size": jointWidth,
            "image_token_index": NSNull(), "text_config": ["model_type": "opt"],
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
                "attention_probs_dropout_prob": qformer.attentionDropout, "use_qformer_text_input": true,
            ],
        ]
        return try JSONSerialization.data(
            withJSONObject: values, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }
}
