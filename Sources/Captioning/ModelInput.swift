import Tensors
import VisionLanguage

/// The images of requests as a model wants them.
struct ModelInput: Sendable {
    let side: Int
    let normalization: Normalization
    let device: Device

    /// `[B, 3, side, side]` float32 of the views `images`, RGB8, normalized.
    func pixels(_ images: [[UInt8]]) throws(TorchError) -> Tensor {
        var views: [Tensor] = []
        for image in images {
            let bytes = try Tensor.uploading(image, shape: [side, side, 3], to: device)
            views.append(try bytes.permuted([2, 0, 1]).reshaped([1, 3, side, side]))
        }
        return try normalizedPixels(concatenated(views, dimension: 0), normalization)
    }
}
