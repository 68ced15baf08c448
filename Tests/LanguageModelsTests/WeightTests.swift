import Decoding
import LanguageModels
import Layers
import Tensors
import TestSupport
import Testing

@Suite("The weights of language models")
struct WeightTests {
    /// The tensors of `golden`, changed, as parameters.
    private func parameters(
        _ golden: LanguageGolden, _ change: (inout [String: Tensor]) throws -> Void
    ) throws -> Parameters {
        let checkpoint = try Checkpoint(directory: golden.directory)
        var tensors: [String: Tensor] = [:]
        for name in checkpoint.names { tensors[name] = try checkpoint.tensor(name) }
        try change(&tensors)
        return try Parameters(tensors, on: .cpu)
    }

    private func logits(_ model: some LanguageModel, _ golden: LanguageGolden) throws -> [Float] {
        try model.begin(golden.given(model), room: 1).logits.floats()
    }

    @Test("every tensor of a checkpoint is asked for, or known to say nothing", arguments: LanguageGolden.all)
    func complete(golden: LanguageGolden) throws {
        let (weights, configuration) = (try golden.weights(), try golden.configuration())
        _ = try configuration.model(weights)
        #expect(throws: Never.self) { try weights.finish(ignoring: configuration.isHarmless) }
    }

    @Test("T5's own head counts, whatever the description says of tying")
    func ownHead() throws {
        let golden = LanguageGolden("t5")
        guard case .t5(var configuration) = try golden.configuration() else { return }
        let expected = try logits(golden.t5(), golden)
        // As transformers 5 writes it.
        (configuration.isTied, configuration.scalesOutput) = (true, false)
        #expect(try logits(T5(golden.weights(), configuration), golden) == expected)
        configuration.scalesOutput = nil
        #expect(try logits(T5(golden.weights(), configuration), golden) == expected)
        // Without one, a description that forbids tying is refused.
        configuration.isTied = false
        let headless = try parameters(golden) { $0["lm_head.weight"] = nil }
        let error = #expect(throws: WeightsError.self) { try T5(Weights(headless), configuration) }
        #expect(error?.code == .missing && error?.key == "lm_head.weight")
    }

    @Test("a second copy of the word table is a tied head, whose states are scaled")
    func copiedHead() throws {
        let golden = LanguageGolden("t5-tied")
        guard case .t5(var configuration) = try golden.configuration() else { return }
        configuration.scalesOutput = nil
        let copied = try parameters(golden) { $0["lm_head.weight"] = $0["shared.weight"] }
        let made = try logits(T5(Weights(copied), configuration), golden)
        #expect(try distance(made, logits(golden.t5(), golden)) <= 1e-5)
    }

    @Test("OPT's own head counts")
    func ownHeadOfOPT() throws {
        let golden = LanguageGolden("opt")
        guard case .opt(let configuration) = try golden.configuration() else { return }
        let doubled = try parameters(golden) {
            $0["lm_head.weight"] = try $0["model.decoder.embed_tokens.weight"].map { try $0 * 2 }
        }
        let made = try logits(OPT(Weights(doubled), configuration), golden)
        #expect(try distance(made, logits(golden.opt(), golden).map { $0 * 2 }) <= 1e-4)
    }

    @Test("files of the bare decoder leave a part of the names out")
    func bareDecoder() throws {
        let golden = LanguageGolden("opt")
        guard case .opt(let configuration) = try golden.configuration() else { return }
        let bare = try parameters(golden) { tensors in
            tensors = Dictionary(
                uniqueKeysWithValues: tensors.map { (String($0.key.dropFirst("model.".count)), $0.value) })
        }
        #expect(try distance(logits(OPT(Weights(bare), configuration), golden), logits(golden.opt(), golden)) <= 1e-5)
    }

    @Test("in float16 T5's last map of a feed-forward is computed in float32, where its results are too large for less")
    func wideFeedForward() throws {
        let golden = LanguageGolden("t5")
        guard case .t5(let configuration) = try golden.configuration() else { return }
        // Maps so large that their product is over 65504, scaled down again behind the sum by the norm of the next part.
        let wide = try parameters(golden) { tensors in
            for (name, tensor) in tensors where name.hasSuffix("wo.weight") { tensors[name] = try tensor * 2e4 }
            for (name, tensor) in tensors where name.hasSuffix("wi_1.weight") { tensors[name] = try tensor * 50 }
        }
        let file = try Project.temporaryFolder() + "/wide.safetensors"
        try writeSafetensors(Dictionary(uniqueKeysWithValues: zip(wide.names, wide.tensors)), to: file)
        let exact = try logits(T5(Weights(wide), configuration), golden)
        let half = try logits(T5(Weights(Checkpoint(file: file), DType.float16, on: .cpu), configuration), golden)
        #expect(half.allSatisfy { $0.isFinite })
        #expect(distance(half, exact) < 0.1)
    }

    @Test("a model in training has gradients in all its parameters", arguments: LanguageGolden.all)
    func training(golden: LanguageGolden) throws {
        let parameters = try parameters(golden) { _ in }
        let model = try golden.configuration().model(Weights(parameters))
        try loss(model, golden).backward()
        for (name, parameter) in zip(parameters.names, parameters.tensors) where !name.hasSuffix("k_proj.bias") {
            #expect(try parameter.gradient().floats().contains { $0 != 0 }, "\(name)")
        }
    }

    private func loss(_ model: some LanguageModel, _ golden: LanguageGolden) throws -> Tensor {
        try model.loss(
            golden.given(model), [[3, 4, 5], [6], [7, 8]].map { TargetText($0) }, divisor: nil)
    }
}
