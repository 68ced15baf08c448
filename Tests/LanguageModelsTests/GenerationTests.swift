import Decoding
import LanguageModels
import ModelDescriptions
import Tensors
import Testing

@Suite("Texts that language models write, against transformers")
struct GenerationTests {
    static let penalties = [-1.0, 0, 1]

    @Test("greedy texts behind prompts of different lengths are the same ids", arguments: LanguageGolden.all)
    func greedy(golden: LanguageGolden) throws {
        for (name, penalty) in [("gen.greedy", 1.0), ("gen.greedy_penalty", 1.4)] {
            let made = try greedy(golden.model(), golden, penalty)
            #expect(try made == golden.texts(name), "\(name)")
        }
    }

    @Test(
        "the five best texts by five beams are the same ids with the same scores, whatever length is worth",
        arguments: LanguageGolden.all, penalties)
    func beams(golden: LanguageGolden, penalty: Double) throws {
        let options = BeamOptions(beams: 5, lengthPenalty: penalty, maxLength: 9)
        let made = try beams(golden.model(), golden, options)
        let name = "beam5_lp\(penalty)"
        #expect(try made.joined().map(\.text.tokens) == golden.texts("gen." + name))
        #expect(try distance(made.joined().map { Float($0.score) }, golden.floats("score." + name)) <= 1e-4)
    }

    @Test("a repetition penalty and a least length act in a search by beams as there", arguments: LanguageGolden.all)
    func filteredBeams(golden: LanguageGolden) throws {
        let options = BeamOptions(beams: 3, lengthPenalty: 0.5, minLength: 4, maxLength: 9, repetitionPenalty: 1.3)
        let made = try beams(golden.model(), golden, options)
        #expect(try made.joined().map(\.text.tokens) == golden.texts("gen.beam3_filtered"))
        #expect(try distance(made.joined().map { Float($0.score) }, golden.floats("score.beam3_filtered")) <= 1e-4)
    }

    @Test("BLIP-2's texts with OPT, from what its Q-Former said", arguments: LanguageGolden.blip2OPT)
    func blip2(golden: LanguageGolden) throws {
        let (model, projection) = try golden.blip2()
        let queries = try linear(golden.tensor("qformer_out"), weight: projection.weight, bias: projection.bias)
        let (ids, mask) = (try golden.rows("prompt_ids"), try golden.mask("prompt_mask"))
        let given = try PaddedEmbeddings(queries).followed(
            by: PaddedEmbeddings(model.embed(ids).values, isThere: mask))
        let before = given.length
        func texts(_ name: String) throws -> [[Int]] {
            try golden.rows(name).map { row in
                let new = row.dropFirst(before)
                return Array(new.prefix(through: new.firstIndex(of: 50) ?? new.endIndex - 1))
            }
        }
        let greedy = try model.sample(given, sampled(2, end: 50), plain(6, greedy: true)).map { $0[0].tokens }
        #expect(try greedy == texts("gen.greedy"))
        for penalty in Self.penalties {
            let options = BeamOptions(beams: 5, lengthPenalty: penalty, maxLength: 6)
            let made = try model.searchBeams(given, count: 2, endToken: 50, options)
            #expect(try made.map { $0[0].text.tokens } == texts("gen.beam5_lp\(penalty)"), "\(penalty)")
        }
    }

    private func greedy(
        _ model: some LanguageModel, _ golden: LanguageGolden, _ penalty: Double
    ) throws -> [[Int]] {
        let given = try golden.given(model)
        let start = model.beginning
        var options = plain(9 + start.count, greedy: true)
        options.repetitionPenalty = penalty
        let texts = sampled(given.count, beginning: start, end: try golden.end())
        return try model.sample(given, texts, options).map { Array($0[0].tokens.dropFirst(start.count)) }
    }

    private func beams(
        _ model: some LanguageModel, _ golden: LanguageGolden, _ options: BeamOptions
    ) throws -> [[FoundText]] {
        let (given, start) = (try golden.given(model), model.beginning)
        var options = options
        options.minLength += start.count
        options.maxLength += start.count
        return try model.searchBeams(
            given, count: given.count, beginning: start, endToken: golden.end(), options
        ).map { texts in
            texts.map { found in
                let new = Array(found.text.tokens.dropFirst(start.count))
                return FoundText(text: GeneratedTokens(tokens: new, logprob: found.text.logprob), score: found.score)
            }
        }
    }
}

/// Sampling without any filter, of at most `count` new tokens.
func plain(_ count: Int, greedy: Bool = false) -> SamplingOptions {
    SamplingOptions(topP: 1, topK: 0, minLength: 0, maxLength: count, repetitionPenalty: 1, greedy: greedy)
}

/// `each` texts behind each of `count` prompts.
func sampled(_ count: Int, each: Int = 1, beginning: [Int] = [], end: Int) -> SampledTexts {
    SampledTexts(
        beginning: beginning,
        streams: (0..<count).map { row in (0..<each).map { RandomStream(key: UInt64(100 * row + $0)) } }, endToken: end)
}

extension LanguageGolden {
    /// Generated texts, each up to and with its end token.
    func texts(_ name: String) throws -> [[Int]] {
        let end = try end()
        return try rows(name).map { row in Array(row.prefix(through: row.firstIndex(of: end) ?? row.endIndex - 1)) }
    }

    func blip2Configuration() throws -> OPTConfiguration {
        let object = try ConfigurationObject(json: json())
        return try OPTConfiguration(object.object("text_config"))
    }
}
