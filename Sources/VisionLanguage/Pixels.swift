package import Tensors

/// The images `pixels`, each RGB8 of `side * side` pixels in row order, as both models want them: `[B, 3, side, side]`
/// float32 on `device`, scaled to 0...1, then less CLIP's mean and divided by its deviation.
///
/// Source: `preprocessor_config.json` of both models; transformers `image_transforms.py`, `rescale` then `normalize`.
package func normalizedPixels(
    _ pixels: [[UInt8]], side: Int, on device: Device = .cpu
) throws(TorchError) -> Tensor {
    let mean = try Tensor([0.48145466, 0.4578275, 0.40821073] as [Float], shape: [3]).to(.float32, on: device)
    let deviation = try Tensor([0.26862954, 0.26130258, 0.27577711] as [Float], shape: [3]).to(.float32, on: device)
    let bytes = try Tensor(Array(pixels.joined()), shape: [pixels.count, side, side, 3])
    let scaled = try bytes.to(.uint8, on: device).to(.float32) * (1 / 255)
    return try ((scaled - mean) / deviation).permuted([0, 3, 1, 2])
}
