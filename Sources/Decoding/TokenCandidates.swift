import Foundation

/// The tokens that may come next, likeliest first, tokens of equal logits by number.
///
/// The order of the steps is that of transformers `generation/logits_process.py`: repetition penalty, minimum length,
/// top-k, top-p. Of equal logits at the edge of top-p the smaller numbers are kept; its sort leaves that to chance.
package struct TokenCandidates: Equatable {
    /// A token with its logit.
    package struct Candidate: Equatable {
        package let token: Int
        package let logit: Float
    }

    package private(set) var candidates: [Candidate]

    /// The tokens left of `logits` when `history` is the caption so far, with its prompt.
    ///
    /// Greedy decoding leaves one. Empty when no logit is a finite number.
    package init(logits: ArraySlice<Float>, history: [Int], endToken: Int, _ options: SamplingOptions) {
        var logits = Array(logits)
        Self.penalize(&logits, history, Float(options.repetitionPenalty))
        if history.count < options.minLength { logits[endToken] = -.infinity }
        candidates = Self.largest(options.greedy ? 1 : options.topK, of: logits)
        if options.greedy {
            candidates = Array(candidates.prefix(1))
        } else {
            keepNucleus(options.topP)
        }
    }

    /// The `count` likeliest tokens, by log-probabilities, of a text that is followed by beams: at most so many.
    ///
    /// The penalty is that of logits, on numbers that are all negative, as transformers has it.
    init(
        logProbabilities: [Float], history: [Int], endToken: Int, minLength: Int, repetitionPenalty: Double, count: Int
    ) {
        var values = logProbabilities
        Self.penalize(&values, history, Float(repetitionPenalty))
        if history.count < minLength { values[endToken] = -.infinity }
        candidates = Array(Self.largest(count, of: values).prefix(count))
    }

    /// Makes tokens of `history` less likely, each once.
    private static func penalize(_ logits: inout [Float], _ history: [Int], _ penalty: Float) {
        guard penalty != 1 else { return }
        for token in Set(history) {
            let logit = logits[token]
            logits[token] = logit > 0 ? logit / penalty : logit * penalty
        }
    }

    /// The `count` largest logits in order, and all that equal the last of them; every finite one when `count` is 0.
    private static func largest(_ count: Int, of logits: [Float]) -> [Candidate] {
        let threshold = count > 0 && count < logits.count ? smallest(ofLargest: count, in: logits) : -.infinity
        var candidates: [Candidate] = []
        for (token, logit) in logits.enumerated() where logit >= threshold && logit.isFinite {
            candidates.append(Candidate(token: token, logit: logit))
        }
        candidates.sort { $0.logit > $1.logit || ($0.logit == $1.logit && $0.token < $1.token) }
        return candidates
    }

    /// The `count`-th largest logit, by a heap of the `count` largest so far, smallest on top: most logits of a large
    /// vocabulary cost one comparison.
    private static func smallest(ofLargest count: Int, in logits: [Float]) -> Float {
        var heap = [Float](repeating: -.infinity, count: count)
        for logit in logits where logit > heap[0] {
            var hole = 0
            while true {
                var child = 2 * hole + 1
                guard child < count else { break }
                if child + 1 < count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < logit else { break }
                heap[hole] = heap[child]
                hole = child
            }
            heap[hole] = logit
        }
        return heap[0]
    }

    /// Keeps the likeliest tokens while those before them hold less than `share` of the probability; at least one.
    private mutating func keepNucleus(_ share: Double) {
        guard share < 1 else { return }
        let weights = weights
        let total = weights.reduce(0, +)
        var before = 0.0
        let kept = weights.prefix { weight in
            defer { before += weight }
            return before < share * total
        }
        candidates.removeLast(candidates.count - max(kept.count, min(1, candidates.count)))
    }

    /// Probabilities, not divided by their sum.
    private var weights: [Double] {
        guard let first = candidates.first else { return [] }
        return candidates.map { exp(Double($0.logit) - Double(first.logit)) }
    }

    /// The candidate that `uniform`, in 0..<1, falls on; nil when there is none.
    package func draw(_ uniform: Double) -> Candidate? {
        let weights = weights
        var left = uniform * weights.reduce(0, +)
        for (candidate, weight) in zip(candidates, weights) {
            left -= weight
            if left < 0 { return candidate }
        }
        return candidates.last  // rounding may leave a crumb
    }
}
