package import Layers
package import Tensors
import VisionLanguage

// Shape letters of this file: B images, S tokens of an image, E width of the encoder.

/// An image encoder, frozen or, in fine-tuning, trained: a Q-Former looks at what it makes of an image.
///
/// Source: LAVIS `lavis/models/eva_vit.py` and `lavis/models/clip_vit.py`; transformers
/// `models/blip_2/modeling_blip_2.py`, `Blip2VisionModel` without its last norm.
package struct ImageEncoder {
    package let configuration: ImageEncoderConfiguration
    private var transformer: VisionTransformer
    private let isTrained: Bool

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
        (self.configuration, isTrained) = (configuration, false)
        transformer = try layout.transformer(weights, configuration.vision, positions: table)
    }

    /// An encoder to be trained, of `weights` in the hub's layout, with a table of positions for the configured images.
    ///
    /// With `recomputes` no more of a block than its input is kept for the backward pass.
    package init(
        training weights: Weights, _ configuration: ImageEncoderConfiguration, recomputes: Bool = false
    ) throws(WeightsError) {
        let layout: ImageEncoderLayout = configuration.kind == .clip ? .hubCLIP : .hubEVA
        let size = [configuration.vision.tokens, configuration.vision.width]
        let table = try weights.tensor(layout.positionName, configuration.kind == .clip ? size : [1] + size)
        (self.configuration, isTrained) = (configuration, true)
        transformer = try layout.transformer(weights, configuration.vision, positions: table)
        transformer.recomputes = recomputes
    }

    /// The states `[B, S, E]` after the last block of normalized pixels `[B, 3, side, side]`, in the encoder's element
    /// type; of a frozen encoder without gradients.
    package func callAsFunction(_ pixels: Tensor) throws(TorchError) -> Tensor {
        guard !isTrained else { return try transformer(pixels) }
        let states = try inference { () throws(TorchError) in try transformer(pixels) }
        // What was made in inference mode cannot be saved for a backward pass; a copy can.
        return try states.copied()
    }
}
