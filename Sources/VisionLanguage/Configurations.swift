package import Foundation
package import Images
package import ModelDescriptions
package import Tensors

/// The sizes of a vision transformer; absent keys have the defaults of the `transformers` class.
package struct VisionConfiguration: Sendable, Equatable {
    package let width: Int
    package let innerWidth: Int
    package let layers: Int
    package let heads: Int
    /// Pixels a side of the square image.
    package let imageSide: Int
    /// Pixels a side of a patch; divides `imageSide`.
    package let patchSide: Int
    package let epsilon: Double
    package let activation: Activation

    /// Patches a side of the image.
    package var grid: Int { imageSide / patchSide }

    /// Patches, and the class token before them.
    package var tokens: Int { grid * grid + 1 }

    package init(
        width: Int, innerWidth: Int, layers: Int, heads: Int, imageSide: Int, patchSide: Int, epsilon: Double,
        activation: Activation
    ) {
        (self.width, self.innerWidth, self.layers, self.heads) = (width, innerWidth, layers, heads)
        (self.imageSide, self.patchSide) = (imageSide, patchSide)
        (self.epsilon, self.activation) = (epsilon, activation)
    }

    /// The sizes that a description says; the rest as `standard` has it.
    package init(
        _ object: ConfigurationObject, standard: VisionConfiguration
    ) throws(ConfigurationError) {
        width = try object.size("hidden_size", standard.width)
        innerWidth = try object.size("intermediate_size", standard.innerWidth)
        layers = try object.size("num_hidden_layers", standard.layers)
        heads = try object.size("num_attention_heads", standard.heads)
        imageSide = try object.size("image_size", standard.imageSide)
        patchSide = try object.size("patch_size", standard.patchSide)
        epsilon = try object.number("layer_norm_eps", standard.epsilon)
        activation = try object.activation(standard.activation)
        try check(object)
        try object.finish(.ofTowers)
    }

    private func check(_ object: ConfigurationObject) throws(ConfigurationError) {
        try object.requireHeads(heads, of: width)
        guard imageSide % patchSide == 0, imageSide <= 4096 else {
            throw object.error("patch_size", "\(patchSide) does not divide image_size \(imageSide), at most 4096")
        }
    }

    /// The same model with `layers` blocks for images of `imageSide` pixels.
    package func with(layers: Int? = nil, imageSide: Int? = nil) -> VisionConfiguration {
        VisionConfiguration(
            width: width, innerWidth: innerWidth, layers: layers ?? self.layers, heads: heads,
            imageSide: imageSide ?? self.imageSide, patchSide: patchSide, epsilon: epsilon, activation: activation)
    }

    init(_ object: ConfigurationObject, image: Int, patch: Int, _ activation: Activation) throws(ConfigurationError) {
        try self.init(
            object,
            standard: VisionConfiguration(
                width: 768, innerWidth: 3072, layers: 12, heads: 12, imageSide: image, patchSide: patch, epsilon: 1e-5,
                activation: activation))
    }
}

/// The configuration of a BLIP captioner, `config.json` as `BlipForConditionalGeneration` writes it.
///
/// LayerNorm's epsilon is the file's, and 1e-5 in the vision part where it says none, as in `transformers`; the
/// original code had 1e-6, which the hub's files do not carry.
package struct BLIPConfiguration: Sendable, Equatable {
    package let vision: VisionConfiguration
    package let text: DecoderConfiguration

    /// What the model sees of an image.
    package var view: ImageView { .squashed(side: vision.imageSide) }

    /// Reads the configuration file `json`.
    package init(json: Data) throws(ConfigurationError) {
        let object = try ConfigurationObject(json: json)
        try object.requireModel("blip")
        vision = try VisionConfiguration(object.object("vision_config"), image: 384, patch: 16, .gelu)
        let text = try object.object("text_config")
        // transformers ties the head to the word table where either says so, and both do by default.
        let isTied = try object.flag("tie_word_embeddings", true)
        self.text = try DecoderConfiguration(text, isTied: text.flag("tie_word_embeddings", true) || isTied)
        try object.finish(.ofModels)
    }
}

/// The sizes of BLIP's text decoder, a BERT with cross-attention in every layer.
package struct DecoderConfiguration: Sendable, Equatable {
    package let vocabulary: Int
    package let width: Int
    package let innerWidth: Int
    package let layers: Int
    package let heads: Int
    /// The longest text in tokens.
    package let positions: Int
    package let epsilon: Double
    package let activation: Activation
    /// The token that begins every caption, `[DEC]`.
    package let startToken: Int
    /// The token that ends every caption, `[SEP]`.
    package let endToken: Int
    /// Whether the head is the word table where the weights have no head of its own.
    package let isTied: Bool

    init(_ object: ConfigurationObject, isTied: Bool) throws(ConfigurationError) {
        self.isTied = isTied
        vocabulary = try object.size("vocab_size", 30524)
        width = try object.size("hidden_size", 768)
        innerWidth = try object.size("intermediate_size", 3072)
        layers = try object.size("num_hidden_layers", 12)
        // The released captioners have 12 heads of 64, but revisions of their files said 8, or left it to the default,
        // which is 8. Only weights of this very shape are meant; nothing else with 8 heads is touched.
        let heads = try object.size("num_attention_heads", 8)
        let isReleased = width == 768 && layers == 12 && vocabulary == 30524
        self.heads = isReleased && heads == 8 ? 12 : heads
        positions = try object.size("max_position_embeddings", 512)
        epsilon = try object.number("layer_norm_eps", 1e-12)
        activation = try object.activation(.gelu)
        startToken = try object.integer("bos_token_id", 30522)
        endToken = try object.integer("sep_token_id", 102)
        try object.require("is_decoder", [.flag(true)])
        try object.requireHeads(self.heads, of: width)
        try object.finish(.ofDecoder)
        guard startToken < vocabulary else {
            throw object.error("bos_token_id", "\(startToken) is not in the vocabulary")
        }
        guard endToken < vocabulary else { throw object.error("sep_token_id", "\(endToken) is not in the vocabulary") }
    }
}

/// The configuration of a CLIP model, `config.json` as `CLIPModel` writes it.
package struct CLIPConfiguration: Sendable, Equatable {
    package let vision: VisionConfiguration
    package let text: TextTowerConfiguration
    /// The width of the space that images and texts share.
    package let jointWidth: Int

    /// What the model sees of an image.
    package var view: ImageView { .shortestSideCropped(side: vision.imageSide) }

    /// Reads the configuration file `json`.
    package init(json: Data) throws(ConfigurationError) {
        let object = try ConfigurationObject(json: json)
        try object.requireModel("clip")
        vision = try VisionConfiguration(Self.part("vision_config", of: object), image: 224, patch: 32, .quickGELU)
        text = try TextTowerConfiguration(Self.part("text_config", of: object))
        jointWidth = try object.size("projection_dim", 512)
        try object.finish(.ofModels)
    }

    /// The object `key`; where old files have a `key_dict` too, that one says everything, as in transformers.
    private static func part(
        _ key: String, of object: ConfigurationObject
    ) throws(ConfigurationError) -> ConfigurationObject {
        let usual = try object.object(key)
        return try object.objectIfPresent(key + "_dict") ?? usual
    }
}

/// The sizes of CLIP's text transformer.
package struct TextTowerConfiguration: Sendable, Equatable {
    package let vocabulary: Int
    package let width: Int
    package let innerWidth: Int
    package let layers: Int
    package let heads: Int
    /// The longest text in tokens, with the two special ones.
    package let positions: Int
    package let epsilon: Double
    package let activation: Activation
    /// At which token a text's state is taken; 2 says the token of the highest id, as files of before 2023 do.
    package let endToken: Int

    init(_ object: ConfigurationObject) throws(ConfigurationError) {
        vocabulary = try object.size("vocab_size", 49408)
        width = try object.size("hidden_size", 512)
        innerWidth = try object.size("intermediate_size", 2048)
        layers = try object.size("num_hidden_layers", 12)
        heads = try object.size("num_attention_heads", 8)
        positions = try object.size("max_position_embeddings", 77)
        epsilon = try object.number("layer_norm_eps", 1e-5)
        activation = try object.activation(.quickGELU)
        endToken = try object.integer("eos_token_id", 49407)
        try object.requireHeads(heads, of: width)
        try object.finish(.ofTowers)
        guard positions > 1 else {
            throw object.error("max_position_embeddings", "want at least 2: every text has a start and an end")
        }
    }
}
