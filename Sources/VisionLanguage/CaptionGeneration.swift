package import Tensors

/// The tokens of one caption.
package struct GeneratedTokens: Sendable, Equatable {
    /// The prompt's ids, then the new ones, with the end token where the caption came to its end.
    package let tokens: [Int]
    /// The sum over the new tokens of their log-probabilities, in the distribution before any filter.
    package let logprob: Double
}

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
        // Greedy captions of an image are all the same: one is made.
        let rowsPerImage = streams.map { options.greedy ? min(1, $0.count) : $0.count }
        var batch = CaptionBatch(prompt: prompt, streams: streams, rowsPerImage: rowsPerImage)
        let states = try timed(.vision, times) { () throws(TorchError) in try vision(pixels) }
        let images = try timed(.crossKeysValues, times) { () throws(TorchError) in try decoder.see(states) }
        moved()
        var cache = try decoder.emptyCache(rows: streams.count, room: prompt.count)
        try timed(.decode, times) { () throws(TorchError) in
            try extendFromPrompt(&batch, images, cache, options)
        }

        var imageOfRow = batch.open.map { batch.rows[$0].image }
        cache = try cache.selecting(imageOfRow, room: options.maxLength)
        while !batch.open.isEmpty {
            let layout = try RowLayout(imageOfRow, images: streams.count, on: pixels.device)
            let ids = batch.open.map { batch.rows[$0].lastToken }
            let made = try timed(.decode, times) { () throws(TorchError) in
                try decoder.logits(decoder.states(ids, cache, images, layout, rows: ids.count))
            }
            let stay = try timed(.sampling, times) { () throws(TorchError) in
                let logits = try Logits(made)
                return try batch.extend(options, endToken: configuration.text.endToken) { row in
                    (logits[row], logits.logSums[row])
                }
            }
            if stay.count < ids.count, !stay.isEmpty {
                cache = try cache.selecting(stay, room: options.maxLength)
            }
            imageOfRow = batch.open.map { batch.rows[$0].image }
            moved()
        }
        return batch.captions(streams.map(\.count))
    }

    /// Runs the prompt once an image and draws every caption's first token from the image's one distribution.
    private func extendFromPrompt(
        _ batch: inout CaptionBatch, _ images: SeenImages, _ cache: DecoderCache, _ options: SamplingOptions
    ) throws(TorchError) {
        let count = cache.rows
        let layout = try RowLayout(Array(0..<count), images: count, on: cache.device)
        let ids = [[Int]](repeating: batch.prompt, count: count).flatMap { $0 }
        let states = try decoder.states(ids, cache, images, layout, rows: count)
        let last = try states.narrowed(1, batch.prompt.count - 1..<batch.prompt.count)
        let logits = try Logits(decoder.logits(last))
        let imageOfRow = batch.rows.map(\.image)
        _ = try batch.extend(options, endToken: configuration.text.endToken) { row in
            (logits[imageOfRow[row]], logits.logSums[imageOfRow[row]])
        }
    }
}

/// Logits of a batch in the processor's memory.
private struct Logits {
    private let values: [Float]
    private let vocabulary: Int
    let logSums: [Float]

    /// The logits `[..., V]`.
    init(_ logits: Tensor) throws(TorchError) {
        vocabulary = logits.shape.last ?? 0
        values = try logits.floats()
        logSums = try logits.logSumExp().floats()
    }

    subscript(row: Int) -> ArraySlice<Float> { values[row * vocabulary..<(row + 1) * vocabulary] }
}

/// The captions of a batch while they grow.
private struct CaptionBatch {
    struct Row {
        let image: Int
        let stream: RandomStream
        var tokens: [Int]
        var logprob = 0.0

        var lastToken: Int { tokens[tokens.count - 1] }
    }

    let prompt: [Int]
    private(set) var rows: [Row] = []
    /// The rows that have not ended, in order.
    private(set) var open: [Int]

    init(prompt: [Int], streams: [[RandomStream]], rowsPerImage: [Int]) {
        self.prompt = prompt
        for (image, streams) in streams.enumerated() {
            rows += streams.prefix(rowsPerImage[image]).map { Row(image: image, stream: $0, tokens: prompt) }
        }
        open = Array(rows.indices)
    }

    /// Adds a token to every open row, from the logits and their log-sum that `next` gives for its place among them.
    ///
    /// Returns the places of those that stay open.
    mutating func extend(
        _ options: SamplingOptions, endToken: Int, _ next: (Int) -> (ArraySlice<Float>, Float)
    ) throws(TorchError) -> [Int] {
        var stay: [Int] = []
        for (place, number) in open.enumerated() {
            let (logits, logSum) = next(place)
            let length = rows[number].tokens.count
            let candidates = TokenCandidates(
                logits: logits, history: rows[number].tokens, endToken: endToken, options)
            guard logSum.isFinite, let choice = candidates.draw(rows[number].stream.uniform(length)) else {
                throw TorchError(operation: "sampling", message: "the model's logits are not finite numbers")
            }
            rows[number].tokens.append(choice.token)
            rows[number].logprob += Double(logits[logits.startIndex + choice.token]) - Double(logSum)
            if choice.token != endToken, length + 1 < options.maxLength { stay.append(place) }
        }
        open = stay.map { open[$0] }
        return stay
    }

    /// The captions by image; an image with fewer rows than captions repeats its only row.
    func captions(_ counts: [Int]) -> [[GeneratedTokens]] {
        var made = [[GeneratedTokens]](repeating: [], count: counts.count)
        for row in rows { made[row.image].append(GeneratedTokens(tokens: row.tokens, logprob: row.logprob)) }
        return zip(made, counts).map { captions, count in
            captions.count == count ? captions : captions.flatMap { [GeneratedTokens](repeating: $0, count: count) }
        }
    }
}
