import Decoding
import RandomNumbers
import Tensors
import Testing

@testable import VisionLanguage

@Suite("Decoding on the device, here the processor")
struct DeviceDecodingTests {
    static let names = ["blip-even", "blip-odd"]
    static let cases = [
        SamplingOptions(), SamplingOptions(topP: 0.5, topK: 0, minLength: 9, maxLength: 14),
        SamplingOptions(topP: 1, topK: 7, minLength: 0, maxLength: 12, repetitionPenalty: 1.6),
        SamplingOptions(topP: 0.95, topK: 1000, minLength: 6, maxLength: 6, repetitionPenalty: 1),
        SamplingOptions(minLength: 6, maxLength: 16, repetitionPenalty: 1.3, greedy: true),
    ]

    private func streams(_ images: Int, _ captions: Int, seed: Int) -> [[RandomStream]] {
        (0..<images).map { image in
            (0..<captions).map { RandomStream(key: UInt64(1000 * seed + 100 * image + $0)) }
        }
    }

    @Test("makes the captions that decoding by rows makes", arguments: names, cases)
    func same(name: String, options: SamplingOptions) throws {
        let golden = try GoldenModel(name)
        let model = try golden.blip()
        let pixels = try golden.tensor("pixel_values")
        let (prompt, pool) = ([model.configuration.text.startToken, 5, 6, 7], DecodingPool(limit: 2))
        for seed in 0..<6 {
            let streams = streams(3, 1 + seed % 5, seed: seed)
            let expected = try model.generate(pixels, prompt: prompt, streams: streams, options)
            let made = try model.generateOnDevice(pixels, prompt: prompt, streams: streams, options, pool)
            for (ours, theirs) in zip(made.joined(), expected.joined()) {
                #expect(ours.tokens == theirs.tokens, "seed \(seed)")
                #expect(abs(ours.logprob - theirs.logprob) < 1e-4, "seed \(seed)")
            }
            #expect(made.map(\.count) == expected.map(\.count))
        }
    }

    @Test("a caption does not depend on the other images of its batch, nor on what was in the memory before")
    func batches() throws {
        let golden = try GoldenModel("blip-odd")
        let model = try golden.blip()
        let pixels = try golden.tensor("pixel_values")
        let (prompt, pool) = ([model.configuration.text.startToken, 5, 6, 7], DecodingPool(limit: 2))
        let streams = streams(3, 5, seed: 1)
        let options = SamplingOptions(topK: 20, maxLength: 14)
        let together = try model.generateOnDevice(pixels, prompt: prompt, streams: streams, options, pool)
        #expect(try model.generateOnDevice(pixels, prompt: prompt, streams: streams, options, pool) == together)
        for image in 0..<3 {
            let alone = try model.generateOnDevice(
                pixels.narrowed(0, image..<image + 1), prompt: prompt, streams: [streams[image]], options, pool)
            #expect(alone[0].map(\.tokens) == together[image].map(\.tokens), "image \(image)")
        }
        #expect(Set(together.joined().map(\.tokens.count)).count > 2, "captions that end at one time show little")
    }

    @Test("draws what TokenCandidates draws, from logits full of ties")
    func draws() throws {
        for seed in 0..<40 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let (rows, vocabulary, room) = (4, 90, 8)
            let length = Int.random(in: 1..<room, using: &random)
            let logits = (0..<rows * vocabulary).map { _ in (Float.random(in: -8...8, using: &random) * 2).rounded() / 2
            }
            let history = (0..<rows).map { _ in (0..<length).map { _ in Int.random(in: 0..<vocabulary, using: &random) }
            }
            let numbers = (0..<rows).map { _ in Double.random(in: 0..<1, using: &random) }
            let options = SamplingOptions(
                topP: [0.3, 0.9, 1].randomElement(using: &random) ?? 1,
                topK: [0, 1, 5, 50, 200].randomElement(using: &random) ?? 0, minLength: 4,
                repetitionPenalty: [1, 1.3].randomElement(using: &random) ?? 1, greedy: seed % 8 == 0)
            let padded = history.flatMap { $0 + [Int](repeating: $0[0], count: room - length) }
            let made = try DeviceSampling(options, endToken: 3, on: .cpu).draw(
                Tensor(logits, shape: [rows, vocabulary]), history: Tensor(padded, shape: [rows, room]),
                length: Tensor([length], shape: [1]),
                uniform: Tensor.uploading(numbers, shape: [rows, 1], to: .cpu)
            ).integers()
            let expected = (0..<rows).map { row in
                TokenCandidates(
                    logits: logits[row * vocabulary..<(row + 1) * vocabulary], history: history[row], endToken: 3,
                    options
                ).draw(options.greedy ? 0 : numbers[row])?.token
            }
            #expect(made == expected, "seed \(seed)")
        }
    }

    @Test("logits that are not numbers are an error")
    func notNumbers() throws {
        let golden = try GoldenModel("blip-even")
        let model = try golden.blip()
        let pixels = try golden.tensor("pixel_values") * .nan
        #expect(throws: TorchError.self) {
            try model.generateOnDevice(
                pixels, prompt: [model.configuration.text.startToken], streams: streams(3, 2, seed: 1),
                SamplingOptions(), DecodingPool(limit: 2))
        }
    }
}
