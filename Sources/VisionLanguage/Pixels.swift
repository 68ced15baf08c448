package import Tensors

/// How the values of pixels, 0 to 255, are scaled and brought near mean 0 and deviation 1: a number for each of R, G and B.
package struct Normalization: Sendable, Equatable {
    /// What a value is multiplied by first.
    package let factor: Double
    package let mean: [Float]
    package let deviation: [Float]

    /// CLIP's numbers, which BLIP has too.
    package static let clip = Normalization(
        factor: 1 / 255, mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711])
}

/// The images `pixels`, each RGB8 of `side * side` pixels in row order, as both models want them: `[B, 3, side, side]`
/// float32 on `device`.
///
/// Source: transformers `image_transforms.py`, `rescale` then `normalize`.
package func normalizedPixels(
    _ pixels: [[UInt8]], side: Int, _ normalization: Normalization = .clip, on device: Device = .cpu
) throws(TorchError) -> Tensor {
    try normalizedPixels(Array(pixels.joined()), side: side, normalization, on: device)
}

/// The same of images that stand one behind the other in `pixels`.
package func normalizedPixels(
    _ pixels: [UInt8], side: Int, _ normalization: Normalization = .clip, on device: Device = .cpu
) throws(TorchError) -> Tensor {
    let bytes = try Tensor(pixels, shape: [pixels.count / (side * side * 3), side, side, 3])
    return try normalizedPixels(bytes.to(.uint8, on: device).permuted([0, 3, 1, 2]), normalization)
}

/// The bytes `[B, 3, side, side]` scaled and normalized, float32, on their device.
package func normalizedPixels(_ bytes: Tensor, _ normalization: Normalization) throws(TorchError) -> Tensor {
    let mean = try Tensor(normalization.mean, shape: [3, 1, 1]).to(.float32, on: bytes.device)
    let deviation = try Tensor(normalization.deviation, shape: [3, 1, 1]).to(.float32, on: bytes.device)
    return try (bytes.to(.float32) * normalization.factor - mean) / deviation
}
