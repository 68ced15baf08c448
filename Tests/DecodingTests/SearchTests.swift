import Decoding
import Foundation
import Tensors
import Testing

@Suite("Searches for texts")
struct SearchTests {
    private let end = 0

    /// All texts behind `prompt` of at most `longest` tokens that end, with their log-probabilities.
    private func allTexts(_ decoder: TableDecoder, _ prompt: Int, longest: Int) -> [(tokens: [Int], sum: Double)] {
        var (open, ended): ([(tokens: [Int], sum: Double)], [(tokens: [Int], sum: Double)]) = ([([], 0)], [])
        for length in 1...longest {
            var next: [(tokens: [Int], sum: Double)] = []
            for text in open {
                let logits = decoder.logits([-1 - prompt, -1] + text.tokens).map(Double.init)
                let total = log(logits.map { exp($0) }.reduce(0, +))
                for (token, logit) in logits.enumerated() {
                    let longer = (tokens: text.tokens + [token], sum: text.sum + logit - total)
                    if token == end || length == longest { ended.append(longer) } else { next.append(longer) }
                }
            }
            open = next
        }
        return ended
    }

    @Test("with as many beams as there are texts, beams find the best of all texts", arguments: [-1.0, 0, 0.7])
    func exhaustive(penalty: Double) throws {
        for seed in 0..<12 as Range<UInt64> {
            let decoder = TableDecoder(vocabulary: 4, seed: seed)
            let options = BeamOptions(beams: 64, lengthPenalty: penalty, maxLength: 4)
            let found = try decoder.searchBeams([3, 8], count: 2, endToken: end, options)
            for (prompt, texts) in zip([3, 8], found) {
                let scored = allTexts(decoder, prompt, longest: 4).map {
                    (tokens: $0.tokens, score: $0.sum / pow(Double($0.tokens.count), penalty))
                }.sorted { $0.score > $1.score }
                let first = try #require(texts.first)
                #expect(first.text.tokens == scored[0].tokens, "seed \(seed)")
                #expect(abs(first.score - scored[0].score) < 1e-5, "seed \(seed)")
                #expect(zip(texts, texts.dropFirst()).allSatisfy { $0.score >= $1.score }, "seed \(seed)")
            }
        }
    }

    @Test("one beam finds the greedy text, where length is worth nothing")
    func oneBeam() throws {
        for seed in 0..<20 as Range<UInt64> {
            let decoder = TableDecoder(vocabulary: 9, seed: seed)
            let greedy = try decoder.sample(
                [1, 2],
                SampledTexts(beginning: [], streams: [[RandomStream(key: 0)], [RandomStream(key: 1)]], endToken: end),
                SamplingOptions(minLength: 0, maxLength: 7, repetitionPenalty: 1, greedy: true))
            let beams = try decoder.searchBeams(
                [1, 2], count: 2, endToken: end, BeamOptions(beams: 1, lengthPenalty: 0, maxLength: 7))
            // One beam goes on where the greedy text ends, as long as that could be better, which it cannot.
            #expect(beams.map { $0[0].text.tokens } == greedy.map { $0[0].tokens }, "seed \(seed)")
            for (one, other) in zip(beams, greedy) { #expect(abs(one[0].text.logprob - other[0].logprob) < 1e-4) }
        }
    }

    @Test("beams found behind a prompt do not depend on other prompts, also where those end earlier")
    func independence() throws {
        for seed in 0..<20 as Range<UInt64> {
            let decoder = TableDecoder(vocabulary: 12, seed: seed)
            for penalty in [-1.0, 0, 1] {
                let options = BeamOptions(beams: 3, lengthPenalty: penalty, maxLength: 8)
                let together = try decoder.searchBeams(Array(0..<5), count: 5, endToken: end, options)
                for prompt in 0..<5 {
                    let alone = try decoder.searchBeams([prompt], count: 1, endToken: end, options)
                    #expect(alone[0] == together[prompt], "seed \(seed), prompt \(prompt)")
                }
            }
        }
    }

    @Test("a text cannot end before its least length, and ends with its greatest")
    func lengths() throws {
        let decoder = TableDecoder(vocabulary: 5, seed: 3)
        let options = BeamOptions(beams: 4, lengthPenalty: -1, minLength: 5, maxLength: 6)
        let found = try decoder.searchBeams([0], count: 1, beginning: [7], endToken: end, options)[0]
        #expect(found.count == 4)
        for text in found {
            #expect(text.text.tokens.first == 7)
            #expect((6...6).contains(text.text.tokens.count) || text.text.tokens.last == end)
            #expect(text.text.tokens.count >= 6)
        }
    }

    @Test("every token is told when it is taken")
    func told() throws {
        let decoder = TableDecoder(vocabulary: 6, seed: 5)
        let streams = (0..<2).map { prompt in (0..<3).map { RandomStream(key: UInt64(10 * prompt + $0)) } }
        var told = [[Int]](repeating: [], count: 6)
        let made = try decoder.sample(
            [4, 5], SampledTexts(beginning: [], streams: streams, endToken: end),
            SamplingOptions(topP: 1, minLength: 0, maxLength: 9, repetitionPenalty: 1)
        ) { for (text, token) in $0 { told[text].append(token) } }
        #expect(told == made.joined().map(\.tokens))
        #expect(Set(told.map(\.count)).count > 1, "texts that end at one time show little")
    }

    @Test("logits that are not numbers are an error")
    func notNumbers() {
        struct Broken: TokenDecoder {
            func begin(_ prompts: Int, room: Int) throws(TorchError) -> (rows: Int, logits: Tensor) {
                (0, try Tensor([Float.nan, .nan], shape: [1, 2]))
            }
            func selecting(_ places: [Int], of rows: Int) throws(TorchError) -> Int { 0 }
            func logits(after tokens: [Int], _ rows: inout Int) throws(TorchError) -> Tensor {
                try Tensor([Float.nan, .nan], shape: [1, 2])
            }
        }
        #expect(throws: TorchError.self) { try Broken().searchBeams(0, count: 1, endToken: 0, BeamOptions()) }
    }
}
