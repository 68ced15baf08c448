import Decoding
import LanguageModels
import Layers
import Tensors
import Testing

@Suite("Language models, against transformers")
struct ForwardTests {
    @Test(
        "OPT's logits of texts of different lengths in one batch, filled up on the left",
        arguments: LanguageGolden.plainOPT)
    func opt(golden: LanguageGolden) throws {
        let model = try golden.opt()
        let made = try model.logits(golden.prompts(model))
        #expect(try distance(made.masked(golden.mask("attention_mask")), golden.floats("logits")) <= 1e-4)
    }

    @Test("OPT's logits do not depend on where a text is filled up", arguments: LanguageGolden.opt)
    func paddingSides(golden: LanguageGolden) throws {
        let model = try golden.opt()
        let texts = [[2, 11, 12], [2, 20, 21, 22, 23], [7]]
        func last(_ side: PaddingSide) throws -> [Float] {
            try model.begin(model.embed(texts, padding: side), room: 1).logits.floats()
        }
        #expect(try distance(last(.left), last(.right)) <= 1e-5)
    }

    @Test("T5's encoder states, logits and loss", arguments: LanguageGolden.plainT5)
    func t5(golden: LanguageGolden) throws {
        let model = try golden.t5()
        let given = try golden.prompts(model)
        #expect(try distance(model.encode(given).floats(), golden.floats("encoder_last")) <= 1e-4)
        let labels = try golden.rows("labels")
        let inputs = labels.map { [0] + $0.dropLast().map { $0 < 0 ? 0 : $0 } }
        #expect(try distance(model.logits(given, inputs).floats(), golden.floats("logits")) <= 1e-4)
        let loss = try model.loss(given, texts(labels), divisor: nil)
        #expect(try distance(loss.floats(), golden.floats("loss")) <= 1e-5)
    }

    @Test("OPT's loss of texts behind queries, and its gradient", arguments: LanguageGolden.opt)
    func optLoss(golden: LanguageGolden) throws {
        let model = try golden.opt()
        let queries = try golden.tensor("queries").parameter()
        let labels = try zip(golden.rows("text_ids"), golden.rows("labels")).map { ids, labels in
            let count = ids.firstIndex(of: 1) ?? ids.count
            return TargetText(Array(ids[..<count]), givenCount: labels[0] < 0 ? 1 : 0)
        }
        let given = PaddedEmbeddings(queries)
        let loss = try model.loss(given, labels, divisor: nil)
        #expect(try distance(loss.floats(), golden.floats("loss")) <= 1e-5)
        try loss.backward()
        #expect(try distance(queries.gradient().floats(), golden.floats("grad.queries")) <= 1e-4 * 0.1)
        // Micro-batches that know how many tokens the whole batch asks for add up to it.
        let count = labels.reduce(0) { $0 + $1.askedCount }
        let parts = try (0..<3).map { row in
            try model.loss(
                PaddedEmbeddings(queries.narrowed(0, row..<row + 1)), [labels[row]], divisor: Double(count)
            ).floats()[0]
        }
        #expect(try abs(parts.reduce(0, +) - loss.floats()[0]) <= 1e-5)
    }

    @Test("T5's loss behind queries and prompts of different lengths, and its gradient", arguments: LanguageGolden.t5)
    func t5Loss(golden: LanguageGolden) throws {
        let model = try golden.t5()
        let queries = try golden.tensor("queries").parameter()
        let given = try PaddedEmbeddings(queries).followed(by: golden.prompts(model))
        let loss = try model.loss(given, texts(golden.rows("labels")), divisor: nil)
        #expect(try distance(loss.floats(), golden.floats("query_loss")) <= 1e-5)
        try loss.backward()
        #expect(try distance(queries.gradient().floats(), golden.floats("grad.queries")) <= 1e-4 * 0.1)
    }

    @Test("layers that are computed again give the same loss and the same gradient", arguments: LanguageGolden.all)
    func recomputed(golden: LanguageGolden) throws {
        func gradient(_ model: some LanguageModel, again: Bool) throws -> [Float] {
            var model = model
            model.recomputes = again
            let queries = try golden.tensor("queries").parameter()
            let given = try PaddedEmbeddings(queries).followed(by: golden.prompts(model))
            let loss = try model.loss(given, [[3, 4, 5], [6], [7, 8]].map { TargetText($0) }, divisor: nil)
            try loss.backward()
            return try loss.floats() + queries.gradient().floats()
        }
        let model = try golden.model()
        #expect(try distance(gradient(model, again: true), gradient(model, again: false)) <= 1e-6)
    }

    @Test("a text's weight multiplies its part of the loss")
    func weights() throws {
        let golden = LanguageGolden("t5")
        let model = try golden.t5()
        let given = try golden.given(model)
        let tokens = [[50, 1], [60, 61, 1], [1]]
        func loss(_ weights: [Double], _ divisor: Double?) throws -> Float {
            try model.loss(given, zip(tokens, weights).map { TargetText($0, weight: $1) }, divisor: divisor).floats()[0]
        }
        let alone = try (0..<3).map { row in try loss((0..<3).map { $0 == row ? 1 : 0 }, 1) }
        let expected = 0.5 * alone[0] + 0.25 * alone[1] + alone[2]
        #expect(abs(try loss([0.5, 0.25, 1], 1) - expected) < 1e-4)
        #expect(abs(try loss([0.5, 0.25, 1], nil) - expected / (1 + 0.75 + 1)) < 1e-4)
    }

    @Test(
        "BLIP-2's logits, loss and gradient with OPT, from what its Q-Former said", arguments: LanguageGolden.blip2OPT)
    func blip2(golden: LanguageGolden) throws {
        let (model, projection) = try golden.blip2()
        let weight = try projection.weight.parameter()
        let queries = try linear(golden.tensor("qformer_out"), weight: weight, bias: projection.bias)
        let (ids, mask) = (try golden.rows("text_ids"), try golden.mask("text_mask"))
        let given = PaddedEmbeddings(queries)
        let whole = try given.followed(by: PaddedEmbeddings(model.embed(ids).values, isThere: mask))
        #expect(
            try distance(
                model.logits(whole).masked(whole.isThere), golden.tensor("logits").masked(whole.isThere)) <= 1e-4)
        let texts = zip(ids, mask).map { ids, mask in TargetText(zip(ids, mask).filter(\.1).map(\.0)) }
        let loss = try model.loss(given, texts, divisor: nil)
        #expect(try distance(loss.floats(), golden.floats("loss")) <= 1e-5)
        try loss.backward()
        let wanted = try golden.floats("grad.language_projection.weight")
        #expect(try distance(weight.gradient().floats(), wanted) <= 1e-4 * (wanted.map(abs).max() ?? 0))
    }

    private func texts(_ labels: [[Int]]) -> [TargetText] { labels.map { TargetText($0.filter { $0 >= 0 }) } }
}

extension LanguageGolden {
    /// OPT and the projection of queries of a BLIP-2 model.
    func blip2() throws -> (OPT, (weight: Tensor, bias: Tensor)) {
        let checkpoint = try Checkpoint(directory: directory)
        let configuration = try blip2Configuration()
        let weights = Weights(checkpoint, DType.float32, on: .cpu)
        return (
            try OPT(weights.scoped("language_model"), configuration),
            (try checkpoint.tensor("language_projection.weight"), try checkpoint.tensor("language_projection.bias"))
        )
    }
}
