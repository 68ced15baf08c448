package import Decoding
package import Tensors

extension BLIP {
    /// `streams[i].count` captions of image `i` of normalized pixels `[B, 3, side, side]`; caption `n` draws from
    /// `streams[i][n]`, its token after `t` tokens with the number at `t`.
    ///
    /// `prompt` begins with the start token. The image is encoded once, its keys and values are shared by all its
    /// captions, the prompt is run once an image, and captions that end leave the batch. `moved` is called at every token.
    package func generate(
        _ pixels: Tensor, prompt: [Int], streams: [[RandomStream]], _ options: SamplingOptions,
        times: PartTimes? = nil, moved: () -> Void = {}
    ) throws(TorchError) -> [[GeneratedTokens]] {
        let states = try timed(.vision, times) { () throws(TorchError) in try vision(pixels) }
        let images = try timed(.crossKeysValues, times) { () throws(TorchError) in try decoder.see(states) }
        moved()
        return try decoder.sample(
            CaptionPrompts(images: images, count: streams.count, tokens: prompt),
            SampledTexts(beginning: prompt, streams: streams, endToken: configuration.text.endToken), options,
            times: times
        ) { _ in moved() }
    }
}

/// What captions are given: an image each, and the tokens that all of them begin with.
package struct CaptionPrompts {
    package let images: SeenImages
    /// The number of images.
    package let count: Int
    package let tokens: [Int]

    package init(images: SeenImages, count: Int, tokens: [Int]) {
        (self.images, self.count, self.tokens) = (images, count, tokens)
    }
}

/// The captions of a batch while they grow.
package struct CaptionRows {
    fileprivate let images: SeenImages
    fileprivate let imageOfRow: [Int]
    fileprivate let layout: RowLayout
    fileprivate let cache: [GrowingCache]
    /// The tokens that there is room for when rows are selected.
    fileprivate let room: Int
}

extension TextDecoder: TokenDecoder {
    package func begin(
        _ prompts: CaptionPrompts, room: Int
    ) throws(TorchError) -> (rows: CaptionRows, logits: Tensor) {
        let (count, length) = (prompts.count, prompts.tokens.count)
        let layout = try RowLayout(Array(0..<count), groups: count, on: words.device)
        let cache = try emptyCache(rows: count, room: length)
        let ids = [[Int]](repeating: prompts.tokens, count: count).flatMap { $0 }
        let states = try states(ids, cache, prompts.images, layout, rows: count)
        let rows = CaptionRows(
            images: prompts.images, imageOfRow: Array(0..<count), layout: layout, cache: cache, room: length + room)
        return (rows, try logits(states.narrowed(1, length - 1..<length)))
    }

    package func selecting(_ places: [Int], of rows: CaptionRows) throws(TorchError) -> CaptionRows {
        let index = try Tensor(places, shape: [places.count]).to(.int64, on: words.device)
        var cache: [GrowingCache] = []
        for layer in rows.cache { cache.append(try layer.selecting(index, room: rows.room)) }
        let imageOfRow = places.map { rows.imageOfRow[$0] }
        return CaptionRows(
            images: rows.images, imageOfRow: imageOfRow,
            layout: try RowLayout(imageOfRow, groups: rows.layout.groups, on: words.device), cache: cache,
            room: rows.room)
    }

    package func logits(after tokens: [Int], _ rows: inout CaptionRows) throws(TorchError) -> Tensor {
        try logits(states(tokens, rows.cache, rows.images, rows.layout, rows: tokens.count))
    }
}
