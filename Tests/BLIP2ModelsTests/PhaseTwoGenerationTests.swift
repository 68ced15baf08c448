import Decoding
import LanguageModels
import Layers
import Tensors
import Testing

@testable import BLIP2Models

@Suite("Texts behind queries, against transformers")
struct PhaseTwoGenerationTests {
    /// The token that ended the texts: those of GOLDENS were ended by another than the description says.
    private func configuration(_ golden: PhaseTwoGolden) throws -> PhaseTwoConfiguration {
        var configuration = try golden.configuration()
        if configuration.language.isDecoder { try configuration.end(textsWith: 50) }
        return configuration
    }

    @Test(
        "greedy ids, and those by five beams whatever length is worth, behind prompts of different lengths in one batch",
        arguments: PhaseTwoGolden.all)
    func ids(golden: PhaseTwoGolden) throws {
        let reference = try golden.golden()
        let configuration = try configuration(golden)
        let parameters = try golden.parameters()
        let language = try golden.language(configuration)
        let prompts = try golden.prompts()
        let states = try golden.states().narrowed(0, 0..<prompts.count)
        let queries = try PhaseTwoModel(configuration, Weights(parameters)).describe(states)
        let names = ["greedy", "beam5_lp-1.0", "beam5_lp0.0", "beam5_lp1.0", "beam5_lp-1"]
            .filter { reference.shape(of: "gen." + $0) != nil }
        #expect(names.count > 1 && names[0] == "greedy")
        for name in names {
            let search: GenerationOptions.Search =
                name == "greedy"
                ? .greedy : .beams(5, lengthPenalty: try #require(Double(name.dropFirst("beam5_lp".count))))
            let given = try PaddedEmbeddings(queries.detached()).followed(by: language.embed(prompts))
            let made = try language.generate(
                given, streams: prompts.map { _ in [RandomStream(key: 1)] },
                GenerationOptions(search, maxNewTokens: 6))
            // A decoder hands on what it was given too, an encoder-decoder its start token.
            let before = configuration.language.isDecoder ? try reference.tensor("gen.greedy").shape[1] - 6 : 1
            let wanted = try golden.rows("gen." + name) { _, place, _ in place >= before }
            let end = configuration.language.endToken
            #expect(
                made.map { $0[0].tokens }
                    == wanted.map { Array($0.prefix(through: $0.firstIndex(of: end) ?? $0.endIndex - 1)) }, "\(name)")
        }
    }
}
