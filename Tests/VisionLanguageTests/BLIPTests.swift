import Decoding
import Layers
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("BLIP's captioner, against transformers")
struct BLIPTests {
    static let names = ["blip-even", "blip-odd"]

    @Test("pixels are scaled and normalized as by the image processor", arguments: names)
    func pixels(name: String) throws {
        let golden = try GoldenModel(name)
        let side = try golden.blip().configuration.vision.imageSide
        let made = try normalizedPixels(golden.pixels(), side: side)
        #expect(try distance(made.floats(), golden.floats("pixel_values")) <= 1e-6)
    }

    @Test("the vision transformer's states are equal within 1e-4", arguments: names)
    func vision(name: String) throws {
        let golden = try GoldenModel(name)
        let states = try golden.blip().vision(golden.tensor("pixel_values"))
        #expect(states.shape == (try golden.tensor("vision").shape))
        #expect(try distance(states.floats(), golden.floats("vision")) <= 1e-4)
    }

    @Test("the decoder's logits over whole texts are equal within 1e-4", arguments: names)
    func logits(name: String) throws {
        let golden = try GoldenModel(name)
        let made = try wholeTexts(golden.blip(), golden)
        #expect(try distance(made.floats(), golden.floats("logits")) <= 1e-4)
    }

    @Test("decoding token by token gives the logits of whole texts", arguments: names)
    func cached(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.blip()
        let whole = try wholeTexts(model, golden)
        let ids = try golden.rows("input_ids")
        let layout = try RowLayout([0, 1, 2], groups: 3, on: .cpu)
        let seen = try model.decoder.see(model.vision(golden.tensor("pixel_values")))
        let cache = try model.decoder.emptyCache(rows: 3, room: ids[0].count)
        for place in ids[0].indices {
            let states = try model.decoder.states(ids.map { $0[place] }, cache, seen, layout, rows: 3)
            let expected = try whole.narrowed(1, place..<place + 1)
            #expect(try distance(model.decoder.logits(states).floats(), expected.floats()) <= 1e-5, "token \(place)")
        }
    }

    @Test("greedy captions are the same ids, in a batch whose captions end at different lengths", arguments: names)
    func greedy(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.blip()
        for (label, penalty) in [("greedy", 1.0), ("greedy_penalty", 1.3)] {
            let made = try greedyTokens(model, golden.tensor("pixel_values"), count: 3, penalty)
            let width = try golden.rows(label)[0].count
            let padded = made.map { $0 + [Int](repeating: 0, count: width - $0.count) }
            #expect(padded == (try golden.rows(label)), "\(label)")
        }
    }

    @Test("a caption does not depend on the other images of its batch", arguments: names)
    func batches(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.blip()
        let pixels = try golden.tensor("pixel_values")
        let options = SamplingOptions(topK: 20, minLength: 5, maxLength: 14)
        let streams = (0..<3).map { image in (0..<5).map { RandomStream(key: UInt64(100 * image + $0)) } }
        let prompt = [model.configuration.text.startToken, 5, 6, 7]
        let together = try model.generate(pixels, prompt: prompt, streams: streams, options)
        for image in 0..<3 {
            let alone = try model.generate(
                pixels.narrowed(0, image..<image + 1), prompt: prompt, streams: [streams[image]], options)
            #expect(alone[0].map(\.tokens) == together[image].map(\.tokens), "image \(image)")
            for (one, other) in zip(alone[0], together[image]) { #expect(abs(one.logprob - other.logprob) < 1e-4) }
        }
        #expect(Set(together.flatMap { $0 }.map(\.tokens.count)).count > 2, "captions that end at one time show little")
        #expect(Set(together.flatMap { $0 }.map(\.tokens)).count > 10, "the captions should differ")
    }

    @Test("the number of captions asked for does not change the first ones")
    func counts() throws {
        let golden = try GoldenModel("blip-odd")
        let model = try golden.blip()
        let streams = (0..<6).map { RandomStream(key: UInt64($0)) }
        let prompt = [model.configuration.text.startToken, 5, 6, 7]
        let pixels = try golden.tensor("pixel_values").narrowed(0, 0..<1)
        func tokens(_ count: Int) throws -> [[Int]] {
            try model.generate(pixels, prompt: prompt, streams: [Array(streams.prefix(count))], SamplingOptions())[0]
                .map(\.tokens)
        }
        #expect(try tokens(2) == Array(tokens(6).prefix(2)))
    }

    @Test("a caption's logprob is the sum over its new tokens of the unfiltered log-probabilities")
    func logprob() throws {
        let golden = try GoldenModel("blip-even")
        let model = try golden.blip()
        let pixels = try golden.tensor("pixel_values").narrowed(0, 0..<1)
        let prompt = [model.configuration.text.startToken, 5, 6, 7]
        let caption = try model.generate(
            pixels, prompt: prompt, streams: [[RandomStream(key: 7)]], SamplingOptions(repetitionPenalty: 1.5))[0][0]
        let seen = try model.decoder.see(model.vision(pixels))
        let layout = try RowLayout([0], groups: 1, on: .cpu)
        let cache = try model.decoder.emptyCache(rows: 1, room: caption.tokens.count)
        let logits = try model.decoder.logits(model.decoder.states(caption.tokens, cache, seen, layout, rows: 1))
        let sums = try logits.logSumExp().floats()
        let (values, vocabulary) = (try logits.floats(), model.configuration.text.vocabulary)
        let expected = (prompt.count..<caption.tokens.count).reduce(0.0) { sum, place in
            sum + Double(values[(place - 1) * vocabulary + caption.tokens[place]] - sums[place - 1])
        }
        #expect(caption.tokens.count > prompt.count + 1)
        #expect(abs(caption.logprob - expected) < 1e-4)
    }

    @Test("bfloat16 and float16 run and stay near float32", arguments: [DType.bfloat16, .float16])
    func halfPrecision(dtype: DType) throws {
        let golden = try GoldenModel("blip-even")
        let made = try wholeTexts(golden.blip(dtype), golden)
        let difference = try distance(made.floats(), golden.floats("logits"))
        #expect(difference > 0)
        #expect(difference < (dtype == .bfloat16 ? 0.25 : 0.05))
    }

    @Test(
        "int8 runs and stays near float32", .enabled(if: Precision.int8.obstacle(on: .cpu) == nil), arguments: names)
    func int8(name: String) throws {
        let golden = try GoldenModel(name)
        let model = try golden.blip(in: .int8)
        let states = try model.vision(golden.tensor("pixel_values")).floats()
        let difference = try distance(states, golden.floats("vision"))
        #expect(difference > 0)
        #expect(difference < 0.25)
        #expect(try distance(wholeTexts(model, golden).floats(), golden.floats("logits")) < 0.5)
    }

    private func wholeTexts(_ model: BLIP, _ golden: GoldenModel) throws -> Tensor {
        let ids = try golden.rows("input_ids")
        let layout = try RowLayout([0, 1, 2], groups: 3, on: .cpu)
        let cache = try model.decoder.emptyCache(rows: 3, room: ids[0].count)
        let seen = try model.decoder.see(model.vision(golden.tensor("pixel_values")))
        return try model.decoder.logits(
            model.decoder.states(ids.flatMap { $0 }, cache, seen, layout, rows: ids.count))
    }

    private func greedyTokens(_ model: BLIP, _ pixels: Tensor, count: Int, _ penalty: Double) throws -> [[Int]] {
        let options = SamplingOptions(minLength: 6, maxLength: 16, repetitionPenalty: penalty, greedy: true)
        let streams = (0..<count).map { _ in [RandomStream(key: 0), RandomStream(key: 1)] }
        let made = try model.generate(
            pixels, prompt: [model.configuration.text.startToken, 5, 6, 7], streams: streams, options)
        #expect(made.allSatisfy { $0.count == 2 && $0[0] == $0[1] })
        return made.map { $0[0].tokens }
    }
}
