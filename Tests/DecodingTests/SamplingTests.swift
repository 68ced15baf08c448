import Foundation
import RandomNumbers
import Testing

@testable import Decoding

@Suite("Sampling")
struct SamplingTests {
    @Test("the tokens left by each filter are those of transformers' processors")
    func filters() throws {
        let golden = try SamplerGolden()
        let logits = try golden.floatRows("logits")
        let history = try golden.rows("history")
        let cases: [(String, SamplingOptions)] = [
            ("penalty", options(minLength: 0, topK: 0, topP: 1)), ("shortest", options(minLength: 8, topK: 0, topP: 1)),
            ("top_k", options(minLength: 8, topK: 10, topP: 1)),
            ("top_k_top_p", options(minLength: 8, topK: 10, topP: 0.9)),
            ("top_p", options(minLength: 8, topK: 0, topP: 0.9)),
        ]
        for (name, options) in cases {
            for (row, expected) in try golden.floatRows(name).enumerated() {
                let made = TokenCandidates(logits: logits[row][...], history: history[row], endToken: 3, options)
                let kept = expected.indices.filter { expected[$0].isFinite }
                #expect(made.candidates.map(\.logit) == kept.map { expected[$0] }.sorted(by: >), "\(name), row \(row)")
                // The last row is full of ties, of which the reference keeps any at the edge of top-p.
                if row == 3, options.topP < 1 { continue }
                #expect(made.candidates.map(\.token).sorted() == kept, "\(name), row \(row)")
            }
        }
    }

    @Test("top-k keeps all tokens that tie with the last")
    func ties() {
        let logits: [Float] = [1, 3, 2, 2, 0, 2, 5]
        let made = TokenCandidates(logits: logits[...], history: [], endToken: 0, options(topK: 3, topP: 1))
        #expect(made.candidates.map(\.token) == [6, 1, 2, 3, 5])
    }

    @Test("partial selection finds what a full sort finds")
    func selection() throws {
        for seed in 0..<50 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let logits = (0..<300).map { _ in Float.random(in: -9...9, using: &random).rounded() }
            let k = Int.random(in: 1...300, using: &random)
            let made = TokenCandidates(logits: logits[...], history: [], endToken: 0, options(topK: k, topP: 1))
            let threshold = logits.sorted(by: >)[k - 1]
            let expected = logits.indices.filter { logits[$0] >= threshold }
            try #require(made.candidates.map(\.token).sorted() == expected, "seed \(seed)")
        }
    }

    @Test("draws follow the filtered distribution (chi-square, fixed seed)")
    func distribution() throws {
        let logits: [Float] = [0.5, 2, -1, 1, 0, 1.5, -3, 0.2]
        let made = TokenCandidates(logits: logits[...], history: [], endToken: 0, options(topK: 6, topP: 0.95))
        let weights = made.candidates.map { exp(Double($0.logit)) }
        let total = weights.reduce(0, +)
        var counts = [Int](repeating: 0, count: logits.count)
        let draws = 40_000
        for number in 0..<draws {
            let token = try #require(made.draw(RandomStream(key: UInt64(number)).uniform(4))).token
            counts[token] += 1
        }
        let chiSquare = zip(made.candidates, weights).reduce(0.0) { sum, pair in
            let expected = pair.1 / total * Double(draws)
            let difference = Double(counts[pair.0.token]) - expected
            return sum + difference * difference / expected
        }
        #expect(counts.reduce(0, +) == draws)
        #expect(made.candidates.count >= 4)
        #expect(chiSquare < 20.5, "0.999 quantile of chi-square with 5 degrees of freedom")
    }

    @Test("a stream's number depends on its place only, and fills 0..<1 evenly")
    func streams() {
        let stream = RandomStream(key: 42)
        let backwards = (0..<8).reversed().map { stream.uniform($0) }
        #expect(backwards.reversed() == (0..<8).map { stream.uniform($0) })
        // SplitMix64 from 42, the published reference implementation's first output.
        #expect(stream.uniform(0) == Double(UInt64(0xbdd7_3226_2feb_6e95) >> 11) * 0x1p-53)
        let mean = (0..<10_000).map { stream.uniform($0) }.reduce(0, +) / 10_000
        #expect(abs(mean - 0.5) < 0.01)
    }

    @Test("greedy takes the likeliest token after penalty and minimum length, the first of equals")
    func greedy() {
        var greedy = options(minLength: 5, topK: 50, topP: 0.9)
        greedy.greedy = true
        let logits: [Float] = [9, 3, 3, 1]
        let short = TokenCandidates(logits: logits[...], history: [2], endToken: 0, greedy)
        #expect(short.candidates.map(\.token) == [1])
        let long = TokenCandidates(logits: logits[...], history: [2, 2, 2, 2, 2], endToken: 0, greedy)
        #expect(long.candidates.map(\.token) == [0])
    }

    @Test("logits that are not numbers leave nothing to draw")
    func notNumbers() {
        let logits = [Float](repeating: .nan, count: 4)
        let made = TokenCandidates(logits: logits[...], history: [1], endToken: 0, options(topK: 2))
        #expect(made.candidates.isEmpty)
        #expect(made.draw(0.5) == nil)
    }

    private func options(minLength: Int = 0, topK: Int = 0, topP: Double = 0.9) -> SamplingOptions {
        SamplingOptions(topP: topP, topK: topK, minLength: minLength, maxLength: 20, repetitionPenalty: 1.1)
    }
}
