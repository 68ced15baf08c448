import Decoding
import LanguageModels
import Layers
import Tensors
import Testing

@Suite("The rows of a language model's batch")
struct RowTests {
    @Test("what is written behind a prompt does not depend on the other prompts", arguments: LanguageGolden.all)
    func independence(golden: LanguageGolden) throws { try independence(golden.model(), golden) }

    private func independence(_ model: some LanguageModel, _ golden: LanguageGolden) throws {
        let (given, end) = (try golden.given(model), try golden.end())
        let sampling = SamplingOptions(topP: 0.9, topK: 30, minLength: 2, maxLength: 9, repetitionPenalty: 1.1)
        let beams = BeamOptions(beams: 4, lengthPenalty: 0, maxLength: 9)
        let texts = sampled(3, each: 6, end: end)
        let together = try model.sample(given, texts, sampling)
        let found = try model.searchBeams(given, count: 3, endToken: end, beams)
        for row in 0..<3 {
            let there = given.isThere[row].indices.filter { given.isThere[row][$0] }
            let index = try Tensor(there, shape: [there.count])
            let alone = PaddedEmbeddings(try given.values.narrowed(0, row..<row + 1).selecting(1, index))
            let streams = SampledTexts(beginning: [], streams: [texts.streams[row]], endToken: end)
            let made = try model.sample(alone, streams, sampling)[0]
            #expect(made.map(\.tokens) == together[row].map(\.tokens), "row \(row)")
            for (one, other) in zip(made, together[row]) { #expect(abs(one.logprob - other.logprob) < 1e-4) }
            let best = try model.searchBeams(alone, count: 1, endToken: end, beams)[0]
            #expect(best.map(\.text.tokens) == found[row].map(\.text.tokens), "row \(row)")
        }
        #expect(Set(together.joined().map(\.tokens.count)).count > 2, "texts that end at one time show little")
        #expect(Set(together.joined().map(\.tokens)).count > 10, "the texts should differ")
    }

    @Test(
        "token by token, rows of one prompt have the logits of whole texts, after others have left",
        arguments: LanguageGolden.opt)
    func cachedOPT(golden: LanguageGolden) throws {
        let model = try golden.opt()
        let given = try golden.given(model)
        let texts = [[10, 11, 12, 13], [14, 15, 16, 17], [18, 19, 20, 21], [22, 23, 24, 25]]
        var rows = try model.begin(given, room: 4).rows
        // Two texts behind the first prompt, one behind the last, none behind the second; then one more leaves.
        var (prompts, left) = ([0, 0, 2], [0, 1, 2])
        rows = try model.selecting([0, 0, 2], of: rows)
        for step in 0..<4 {
            if step == 2 {
                rows = try model.selecting([1, 2], of: rows)
                (prompts, left) = ([0, 2], [1, 2])
            }
            let made = try model.logits(after: left.map { texts[$0][step] }, &rows)
            for (row, (prompt, text)) in zip(prompts, left).enumerated() {
                let alone = PaddedEmbeddings(
                    try given.values.narrowed(0, prompt..<prompt + 1), isThere: [given.isThere[prompt]])
                let whole = try alone.followed(by: model.embed([Array(texts[text][...step])]))
                let wanted = try model.logits(whole).narrowed(1, whole.length - 1..<whole.length).floats()
                #expect(try distance(made.narrowed(0, row..<row + 1).floats(), wanted) <= 1e-4, "step \(step)")
            }
        }
    }

    @Test(
        "token by token, T5's decoder has the logits of whole texts, after others have left",
        arguments: LanguageGolden.t5)
    func cachedT5(golden: LanguageGolden) throws {
        let model = try golden.t5()
        let given = try golden.given(model)
        let texts = [[10, 11, 12], [13, 14, 15], [16, 17, 18], [19, 20, 21]]
        let begun = try model.begin(given, room: 3)
        var rows = try model.selecting([0, 0, 1, 2], of: begun.rows)
        let prompts = [0, 0, 1, 2]
        let whole = try model.logits(
            PaddedEmbeddings(
                given.values.selecting(0, Tensor(prompts, shape: [4])), isThere: prompts.map { given.isThere[$0] }),
            texts.map { [model.configuration.startToken] + $0 })
        #expect(
            try distance(
                begun.logits.selecting(0, Tensor(prompts, shape: [4])).floats(), whole.narrowed(1, 0..<1).floats())
                <= 1e-4)
        var left = [0, 1, 2, 3]
        for step in 0..<3 {
            if step == 1 {
                rows = try model.selecting([1, 3], of: rows)
                left = [1, 3]
            }
            let made = try model.logits(after: left.map { texts[$0][step] }, &rows)
            let wanted = try whole.narrowed(1, step + 1..<step + 2).selecting(0, Tensor(left, shape: [left.count]))
            #expect(try distance(made.floats(), wanted.floats()) <= 1e-4, "step \(step)")
        }
    }

    @Test("packed weights compute the same", arguments: LanguageGolden.all)
    func packed(golden: LanguageGolden) throws {
        func logits(_ model: some LanguageModel) throws -> [Float] {
            try model.begin(golden.given(model), room: 1).logits.floats()
        }
        let packed = try golden.configuration().model(golden.weights().packed(rows: 8))
        #expect(try distance(logits(packed), logits(golden.model())) <= 1e-4)
    }

    @Test(
        "in half precision logits are near those of float32, and finite where nothing is seen",
        arguments: LanguageGolden.all, [DType.bfloat16, .float16])
    func halves(golden: LanguageGolden, dtype: DType) throws {
        func logits(_ model: some LanguageModel) throws -> [Float] {
            try model.begin(golden.given(model), room: 1).logits.floats()
        }
        let (exact, half) = (try logits(golden.model()), try logits(golden.model(dtype)))
        let difference = distance(exact, half)
        #expect(difference > 0)
        #expect(difference < (dtype == .bfloat16 ? 0.5 : 0.06))
    }

    @Test(
        "queries that see no key have logits that are numbers", arguments: LanguageGolden.opt,
        [DType.float32, .bfloat16, .float16])
    func blindQueries(golden: LanguageGolden, dtype: DType) throws {
        let model = try golden.opt(dtype)
        let made = try model.logits(golden.prompts(model)).floats()
        #expect(made.allSatisfy { $0.isFinite })
    }

    @Test("texts longer than the model has positions for are refused in one line")
    func positions() throws {
        let model = try LanguageGolden("opt").opt()
        let given = try model.embed([[Int](repeating: 7, count: 60)])
        #expect(throws: Never.self) { try model.begin(given, room: 5) }
        let error = #expect(throws: TorchError.self) { try model.begin(given, room: 6) }
        #expect(error?.message == "a text of 65 tokens; the model has 64 positions")
    }
}
