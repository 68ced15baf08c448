import Decoding
import Layers
import Tensors

// Shape letters of this file: B images, C captions an image, N = B * C rows, S image tokens, H heads, L tokens there is
// room for, D model width, V vocabulary.

/// What the memory of a decoding on the device is made for.
package struct DecodingShape: Hashable, Sendable {
    let images: Int
    let captions: Int
    let options: SamplingOptions
    /// A recorded step uses memory that the libraries keep for its stream: on another one, it could meet another's work.
    let stream: Int
}

/// The captions of a batch while they grow on the device, in memory that stays where it is: a step is the same sequence
/// of operations for every token, which a CUDA graph can hold.
///
/// A caption that ended goes on being computed, and what it says is dropped: shapes never change.
package final class DeviceDecoding {
    private let shape: DecodingShape
    private let sampling: DeviceSampling
    private let endToken: Tensor  // [1]
    private let images: SeenImages
    private let cache: [FixedCache]
    private let places: Tensor  // [1, 1, 1, L]: 0, 1, 2, …
    private let isThere: Tensor  // [1, 1, 1, L]
    private let place: Tensor  // [1]: of the last token
    private let one: Tensor
    private let zero: Tensor
    private let history: Tensor  // [N, L]
    private let uniforms: Tensor  // [N, L], float64
    private let logprobs: Tensor  // [N, 1], float64
    private let isFinished: Tensor  // [N, 1]
    private let graph: StepGraph

    /// Memory for `shape`, for images seen as `images` are; the step is recorded as a CUDA graph if `usesGraph`.
    init(
        _ shape: DecodingShape, like images: SeenImages, endToken: Int, usesGraph: Bool
    ) throws(TorchError) {
        let (rows, room) = (shape.images * shape.captions, shape.options.maxLength)
        let device = images.layers[0].plain.keys.device
        self.shape = shape
        sampling = try DeviceSampling(shape.options, endToken: endToken, on: device)
        self.endToken = try Tensor([endToken], shape: [1]).to(.int64, on: device)
        places = try Tensor(Array(0..<room), shape: [1, 1, 1, room]).to(.int64, on: device)
        isThere = try Tensor.empty([1, 1, 1, room], .bool, on: device)
        place = try Tensor.empty([1], .int64, on: device)
        one = try Tensor([1], shape: [1]).to(.int64, on: device)
        zero = try Tensor.uploading([0.0], shape: [1], to: device)
        history = try Tensor.empty([rows, room], .int64, on: device)
        uniforms = try Tensor.empty([rows, room], .float64, on: device)
        logprobs = try Tensor.empty([rows, 1], .float64, on: device)
        isFinished = try Tensor.empty([rows, 1], .bool, on: device)
        var (seen, cache): ([KeysValues], [FixedCache]) = ([], [])
        for layer in images.layers {
            let (keys, values) = layer.plain
            seen.append(
                .plain(
                    keys: try Tensor.empty(keys.shape, keys.dtype, on: device),
                    values: try Tensor.empty(values.shape, values.dtype, on: device)))
            cache.append(try FixedCache(rows: rows, room: room, place: place, isThere: isThere, like: keys))
        }
        self.images = SeenImages(layers: seen)
        self.cache = cache
        graph = StepGraph(on: device, isEnabled: usesGraph)
    }

    /// The tokens and log-probabilities of all rows; waits for the device every few tokens to see whether all ended.
    func run(
        _ decoder: TextDecoder, _ seen: SeenImages, prompt: [Int], streams: [RandomStream]
    ) throws(TorchError) -> [GeneratedTokens] {
        let layout = try RowLayout(
            (0..<shape.images).flatMap { [Int](repeating: $0, count: shape.captions) }, groups: shape.images,
            on: place.device)
        try begin(prompt, streams)
        try extend(promptLogits(decoder, seen, prompt))
        for length in prompt.count + 1..<max(prompt.count + 1, shape.options.maxLength) {
            if (length - prompt.count) % 4 == 0, try isFinished.isAllTrue() { break }
            try graph.run { () throws(TorchError) in try extend(nextLogits(decoder, layout)) }
        }
        return try captions(prompt.count)
    }

    private func begin(_ prompt: [Int], _ streams: [RandomStream]) throws(TorchError) {
        let (rows, room) = (streams.count, shape.options.maxLength)
        // Places to come repeat the start token, which no filter then counts twice.
        let row = prompt + [Int](repeating: prompt[0], count: room - prompt.count)
        let device = place.device
        try history.assign(Tensor(row, shape: [1, room]).to(.int64, on: device))
        let numbers = streams.flatMap { stream in (0..<room).map(stream.uniform) }
        try uniforms.assign(Tensor.uploading(numbers, shape: [rows, room], to: device))
        try place.fill(Double(prompt.count - 1))
        try logprobs.fill(0)
        try isFinished.fill(0)
    }

    /// Runs the prompt once an image; the rows' caches begin with its keys and values.
    private func promptLogits(
        _ decoder: TextDecoder, _ seen: SeenImages, _ prompt: [Int]
    ) throws(TorchError) -> Tensor {
        let count = shape.images
        for (mine, new) in zip(images.layers, seen.layers) {
            try mine.plain.keys.assign(new.plain.keys)
            try mine.plain.values.assign(new.plain.values)
        }
        let layout = try RowLayout(Array(0..<count), groups: count, on: place.device)
        let ids = [[Int]](repeating: prompt, count: count).flatMap { $0 }
        let prefix = try decoder.emptyCache(rows: count, room: prompt.count)
        let states = try decoder.states(ids, prefix, images, layout, rows: count)
        for (mine, new) in zip(cache, prefix) { try mine.begin(with: new, count: shape.captions) }
        let logits = try decoder.logits(states.narrowed(1, prompt.count - 1..<prompt.count))
        return try repeated(logits, shape.captions).reshaped([history.shape[0], logits.shape[2]])
    }

    /// The logits `[N, V]` after each row's last token.
    private func nextLogits(_ decoder: TextDecoder, _ layout: RowLayout) throws(TorchError) -> Tensor {
        try isThere.assign(places.isAtMost(place))
        let rows = history.shape[0]
        let ids = try history.selecting(1, place).reshaped([rows])
        let wordsND = try decoder.words.selecting(0, ids) + decoder.positions.selecting(0, place)
        var xN1D = try decoder.embeddingNorm(wordsND.reshaped([rows, 1, decoder.configuration.width]))
        for (number, layer) in decoder.layers.enumerated() {
            xN1D = try layer(xN1D, cache[number], image: images.layers[number], layout)
        }
        return try decoder.logits(xN1D).reshaped([rows, decoder.configuration.vocabulary])
    }

    /// Draws each row's next token from its logits `[N, V]`.
    private func extend(_ logits: Tensor) throws(TorchError) {
        try place.add(one)
        var token = try sampling.draw(
            logits, history: history, length: place, uniform: uniforms.selecting(1, place))
        let logprob = try logits.gathering(token).to(.float64) - logits.logSumExp().reshaped(token.shape).to(.float64)
        try logprobs.add(isFinished.choose(zero, else: logprob))
        token = try isFinished.choose(endToken, else: token)
        try history.assign(token, at: place, of: 1)
        try isFinished.assign(isFinished.or(token.isEqual(to: endToken)))
    }

    private func captions(_ promptCount: Int) throws(TorchError) -> [GeneratedTokens] {
        let (room, end) = (shape.options.maxLength, try endToken.integers()[0])
        let (tokens, sums) = (try history.integers(), try logprobs.doubles())
        return try sums.enumerated().map { row, logprob throws(TorchError) in
            guard logprob.isFinite else {
                throw TorchError(operation: "sampling", message: "the model's logits are not finite numbers")
            }
            let all = tokens[row * room..<(row + 1) * room]
            let new = all.dropFirst(promptCount)
            let last = new.firstIndex(of: end) ?? new.endIndex - 1
            return GeneratedTokens(tokens: Array(all[...last]), logprob: logprob)
        }
    }
}
