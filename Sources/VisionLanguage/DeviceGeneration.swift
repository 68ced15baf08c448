package import Decoding
package import Tensors

/// Memory and recorded steps of decodings on the device, kept from batch to batch.
package typealias DecodingPool = ReusePool<DecodingShape, DeviceDecoding>

extension BLIP {
    /// `generate`, with everything but the images' encoding done on the device in fixed shapes, and the processor waiting
    /// for it only every few tokens.
    ///
    /// All images have the same number of `streams`. `usesGraph` records the step as a CUDA graph where there is CUDA.
    package func generateOnDevice(
        _ pixels: Tensor, prompt: [Int], streams: [[RandomStream]], _ options: SamplingOptions, _ pool: DecodingPool,
        usesGraph: Bool = true
    ) throws(TorchError) -> [[GeneratedTokens]] {
        let count = streams.first?.count ?? 0
        precondition(streams.allSatisfy { $0.count == count }, "all images have as many captions")
        guard count > 0 else { return streams.map { _ in [] } }
        let made = options.greedy ? 1 : count
        let shape = DecodingShape(
            images: streams.count, captions: made, options: options, stream: pixels.device.currentStream)
        let images = try decoder.see(vision(pixels))
        let rows = try pool.use(shape) { () throws(TorchError) in
            try DeviceDecoding(shape, like: images, endToken: configuration.text.endToken, usesGraph: usesGraph)
        } _: { decoding throws(TorchError) in
            try decoding.run(decoder, images, prompt: prompt, streams: streams.flatMap { $0.prefix(made) })
        }
        return streams.indices.map { image in
            let captions = Array(rows[image * made..<(image + 1) * made])
            return options.greedy ? [GeneratedTokens](repeating: captions[0], count: count) : captions
        }
    }
}
