package import Layers
import Tensors

/// BLIP's captioner: a vision transformer, and a text decoder that attends to it.
///
/// Source: transformers `models/blip/modeling_blip.py`, `BlipForConditionalGeneration`.
package struct BLIP {
    package let configuration: BLIPConfiguration
    package let vision: VisionTransformer
    package let decoder: TextDecoder

    /// The model of `weights`, a checkpoint in the layout of the model hub; every tensor's shape is checked.
    package init(_ configuration: BLIPConfiguration, _ weights: Weights) throws(WeightsError) {
        let imageRows = configuration.vision.tokens
        self.configuration = configuration
        vision = try VisionTransformer(
            blip: weights.scoped("vision_model").packed(rows: imageRows), configuration.vision)
        // Ten captions an image is what the decoder usually runs.
        decoder = try TextDecoder(
            weights.scoped("text_decoder").packed(rows: 10), configuration.text,
            imageWidth: configuration.vision.width, imageRows: imageRows)
        try weights.finish(ignoring: Self.isHarmless)
    }

    /// Tensors that say nothing: position numbers, the bias that gave way to the head's own, the momentum model of
    /// training.
    private static func isHarmless(_ key: String) -> Bool {
        key.hasSuffix("embeddings.position_ids") || key == "text_decoder.cls.predictions.bias"
            || key.contains("_m.") || key.hasSuffix("_queue") || key.hasSuffix("queue_ptr")
    }
}
