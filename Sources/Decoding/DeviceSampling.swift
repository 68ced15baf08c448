package import Tensors

// Shape letters of this file: N rows (captions), V vocabulary, L tokens there is room for, W candidates that are looked at.

/// `TokenCandidates` for all rows of a batch at once, on their device, without waiting for it.
///
/// The same filters in the same order on the same numbers. One thing differs: of tokens that tie with the last of top-k,
/// `tieRoom` are kept, which ones beyond that is the device's choice.
package struct DeviceSampling {
    package static let tieRoom = 64

    private let options: SamplingOptions
    private let endToken: Int
    // Constants, made beforehand: a recorded step must not copy from the processor.
    private let penalty: Tensor
    private let minusInfinity: Tensor
    private let minLength: Tensor
    private let zero: Tensor
    private let share: Tensor

    package init(_ options: SamplingOptions, endToken: Int, on device: Device) throws(TorchError) {
        self.options = options
        self.endToken = endToken
        penalty = try Tensor([Float(options.repetitionPenalty)], shape: [1]).to(.float32, on: device)
        minusInfinity = try Tensor([-Float.infinity], shape: [1]).to(.float32, on: device)
        minLength = try Tensor([options.minLength], shape: [1]).to(.int64, on: device)
        zero = try Tensor.uploading([0.0], shape: [1], to: device)
        share = try Tensor.uploading([options.topP], shape: [1], to: device)
    }

    /// The next token `[N, 1]` of each row from its logits `[N, V]`, its tokens so far `history` `[N, L]`, whose places
    /// not yet filled repeat a token of the prompt, `length` `[1]` of them filled, and a number `uniform` `[N, 1]`.
    package func draw(_ logits: Tensor, history: Tensor, length: Tensor, uniform: Tensor) throws(TorchError) -> Tensor {
        let scores = try Tensor.empty(logits.shape, .float32, on: logits.device)
        try scores.assign(logits)
        try penalize(scores, history)
        let end = try scores.narrowed(1, endToken..<endToken + 1)
        try end.assign(length.isLess(than: minLength).choose(minusInfinity, else: end))

        let (values, tokens) = try candidates(scores)
        if options.greedy { return try tokens.narrowed(1, 0..<1) }
        return try tokens.gathering(pick(values, uniform))
    }

    /// Makes tokens of `history` less likely; one that occurs twice is written twice, with the same value.
    private func penalize(_ scores: Tensor, _ history: Tensor) throws(TorchError) {
        guard options.repetitionPenalty != 1 else { return }
        let used = try scores.gathering(history)
        let isPositive = try zero.isLess(than: used)
        try scores.scatter(isPositive.choose(used / penalty, else: used * penalty), at: history)
    }

    /// The likeliest tokens with their scores, `[N, W]` each, best first, of equal ones the smaller number first.
    private func candidates(_ scores: Tensor) throws(TorchError) -> (values: Tensor, tokens: Tensor) {
        let vocabulary = scores.shape[1]
        let least = options.greedy ? 1 : options.topK > 0 ? options.topK : vocabulary
        let found = try scores.largest(min(vocabulary, least + Self.tieRoom))
        let order = try found.values.order(descending: true)
        return (try found.values.gathering(order), try found.places.gathering(order))
    }

    /// The place `[N, 1]` among `values` `[N, W]`, which descend, that `uniform` falls on.
    private func pick(_ values: Tensor, _ uniform: Tensor) throws(TorchError) -> Tensor {
        let width = values.shape[1]
        var isKept = try values.isFinite()
        if options.topK > 0, options.topK < width {
            isKept = try isKept.and(values.narrowed(1, options.topK - 1..<options.topK).isAtMost(values))
        }
        let exact = try values.to(.float64)
        let weights = try isKept.choose((exact - exact.narrowed(1, 0..<1)).exponential(), else: zero)
        var sums = try weights.cumulativeSums()
        if options.topP < 1 {
            let before = try concatenated([sums.narrowed(1, 0..<1) * 0, sums.narrowed(1, 0..<width - 1)], dimension: 1)
            isKept = try isKept.and(before.isLess(than: share * sums.narrowed(1, width - 1..<width)))
            sums = try isKept.choose(weights, else: zero).cumulativeSums()
        }
        // As many places as end at or before the number, but never beyond the last that is kept.
        let target = try uniform * sums.narrowed(1, width - 1..<width)
        let isBefore = try sums.narrowed(1, 0..<width - 1).isAtMost(target)
        return try isBefore.and(isKept.narrowed(1, 1..<width)).summed()
    }
}
