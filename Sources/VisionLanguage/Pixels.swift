package import Foundation
package import Tensors

/// How the values of pixels, scaled to 0...1, are brought near mean 0 and deviation 1: a number for each of R, G and B.
package struct Normalization: Sendable, Equatable {
    package let mean: [Float]
    package let deviation: [Float]

    /// CLIP's numbers, which BLIP has too.
    package static let clip = Normalization(
        mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])

    private init(mean: [Float], deviation: [Float]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// Reads the preprocessor configuration `json` of a model for images of `side` pixels.
    ///
    /// Throws when it asks for another size or another filter than bicubic, which images are resized with here.
    package init(json: Data, side: Int) throws(ConfigurationError) {
        let object = try ConfigurationObject(json: json)
        mean = try object.numbers("image_mean", Self.clip.mean)
        deviation = try object.numbers("image_std", Self.clip.deviation)
        guard try object.integer("resample", 3) == 3 else {
            throw object.error("resample", "images are resized with 3, the bicubic filter, here")
        }
        let crop = try object.sides("crop_size")
        for size in crop.isEmpty ? try object.sides("size") : crop where size != side {
            throw object.error("size", "\(size) pixels, but the model's configuration says \(side)")
        }
    }
}

/// The images `pixels`, each RGB8 of `side * side` pixels in row order, as both models want them: `[B, 3, side, side]`
/// float32 on `device`.
///
/// Source: transformers `image_transforms.py`, `rescale` then `normalize`.
package func normalizedPixels(
    _ pixels: [[UInt8]], side: Int, _ normalization: Normalization = .clip, on device: Device = .cpu
) throws(TorchError) -> Tensor {
    let bytes = try Tensor(Array(pixels.joined()), shape: [pixels.count, side, side, 3])
    return try normalizedPixels(bytes.to(.uint8, on: device).permuted([0, 3, 1, 2]), normalization)
}

/// The bytes `[B, 3, side, side]` scaled and normalized, float32, on their device.
package func normalizedPixels(_ bytes: Tensor, _ normalization: Normalization) throws(TorchError) -> Tensor {
    let mean = try Tensor(normalization.mean, shape: [3, 1, 1]).to(.float32, on: bytes.device)
    let deviation = try Tensor(normalization.deviation, shape: [3, 1, 1]).to(.float32, on: bytes.device)
    return try (bytes.to(.float32) * (1 / 255) - mean) / deviation
}
