package import Layers
package import Tensors
import VisionLanguage

// Shape letters of this file: B images, S tokens of an image, E width of the encoder.

/// A frozen image encoder, which is never trained: a Q-Former looks at what it makes of an image.
///
/// Source: LAVIS `lavis/models/eva_vit.py` and `lavis/models/clip_vit.py`; transformers
/// `models/blip_2/modeling_blip_2.py`, `Blip2VisionModel` without its last norm.
package struct ImageEncoder {
    package let configuration: ImageEncoderConfiguration
    private let transformer: VisionTransformer

    /// The encoder of `checkpoint`, in any of the layouts of `ImageEncoderLayout`, with linear layers packed for inference.
    ///
    /// The table of positions is resized where `configuration` says another size of image than the checkpoint has. The
    /// checkpoint may hold more: a whole model, or the blocks that are left out.
    package init(
        _ checkpoint: Checkpoint, _ configuration: ImageEncoderConfiguration, _ precision: Precision, on device: Device
    ) throws(WeightsError) {
        let layout = try ImageEncoderLayout(of: checkpoint, configuration.kind)
        let table = try layout.positions(checkpoint, configuration, precision.dtype(on: device), device)
        let weights = Weights(checkpoint, precision, on: device).packed(rows: configuration.vision.tokens)
        self.configuration = configuration
        transformer = try layout.transformer(weights, configuration.vision, positions: table)
    }

    /// The states `[B, S, E]` after the last block of normalized pixels `[B, 3, side, side]`, in the encoder's element
    /// type; without gradients.
    package func callAsFunction(_ pixels: Tensor) throws(TorchError) -> Tensor {
        let states = try inference { () throws(TorchError) in try transformer(pixels) }
        // What was made in inference mode cannot be saved for a backward pass; a copy can.
        return try states.copied()
    }
}
