import Loading
import Tensors
import VisionLanguage

/// Images of a batch as a model's image encoder is given them.
struct ModelPixels {
    let side: Int
    let normalization: Normalization
    let device: Device

    /// Normalized pixels `[b, 3, side, side]` of the images at the places `places` of `batch`.
    func callAsFunction(_ batch: TrainingBatch, _ places: Range<Int>) throws(TorchError) -> Tensor {
        let bytes = side * side * 3
        let pixels = Array(batch.pixels[places.lowerBound * bytes..<places.upperBound * bytes])
        return try normalizedPixels(pixels, side: side, normalization, on: device)
    }
}
