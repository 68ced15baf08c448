package import Foundation
package import ModelDescriptions
import Tensors
package import VisionLanguage

/// Which frozen image encoder stands before a Q-Former, and its sizes.
package struct ImageEncoderConfiguration: Sendable, Equatable {
    /// The two families that BLIP-2 was trained on.
    package enum Kind: Sendable {
        /// CLIP's: patches without a bias, a norm before the first block.
        case clip
        /// EVA-CLIP's: patches with a bias.
        case eva
    }

    package let kind: Kind
    /// The sizes; `layers` are the blocks that run, and there is no norm behind the last.
    package let vision: VisionConfiguration

    package init(_ kind: Kind, _ vision: VisionConfiguration) {
        self.kind = kind
        self.vision = vision
    }

    /// CLIP's ViT-L/14 at 224 pixels without its last block: 23 of 24.
    package static let vitL14 = ImageEncoderConfiguration(
        .clip,
        VisionConfiguration(
            width: 1024, innerWidth: 4096, layers: 23, heads: 16, imageSide: 224, patchSide: 14, epsilon: 1e-5,
            activation: .quickGELU))

    /// EVA-CLIP's ViT-g/14 at 224 pixels without its last block: 39 of 40.
    package static let vitG14 = ImageEncoderConfiguration(
        .eva,
        VisionConfiguration(
            width: 1408, innerWidth: 6144, layers: 39, heads: 16, imageSide: 224, patchSide: 14, epsilon: 1e-6,
            activation: .gelu))

    /// The encoder of a model on the hub, described by its `config.json`: a CLIP model's, of which the second-last layer's
    /// states are used, or a BLIP-2 model's, whose file has no block too many.
    package init(json: Data) throws(ConfigurationError) {
        let object = try ConfigurationObject(json: json)
        guard object.value("model_type") != .text("clip") else {
            let vision = try CLIPConfiguration(json: json).vision
            guard vision.layers > 1 else {
                throw object.error("vision_config.num_hidden_layers", "want at least 2: the last block is left out")
            }
            self.init(.clip, vision.with(layers: vision.layers - 1))
            return
        }
        try object.requireModel("blip-2")
        try self.init(blip2: object)
    }

    /// The encoder that a BLIP-2 model's description `object` says.
    init(blip2 object: ConfigurationObject) throws(ConfigurationError) {
        let vision = try object.object("vision_config")
        let isCLIP = vision.value("model_type") == .text("clip_vision_model")
        try vision.require("qkv_bias", [.flag(true)])
        let standard = isCLIP ? Self.vitL14 : Self.vitG14
        self.init(standard.kind, try VisionConfiguration(vision, standard: standard.vision))
    }

    /// The same encoder for images of `imageSide` pixels.
    package func with(imageSide: Int) -> ImageEncoderConfiguration {
        ImageEncoderConfiguration(kind, vision.with(imageSide: imageSide))
    }
}
