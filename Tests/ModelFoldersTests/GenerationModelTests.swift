import Foundation
import LanguageModels
import ModelFolders
import Tensors
import TestSupport
import Testing

@Suite("A phase-2 model, loaded from a folder that transformers wrote")
struct GenerationModelTests {
    @Test(
        "writes the same ids and texts: greedy and by beams, behind prompts of different lengths in one batch",
        arguments: GenerationGolden.all)
    func parity(golden: GenerationGolden) throws {
        let model = try golden.model()
        for way in golden.ways {
            let made = try model.texts([0, 1, 2], golden.prompts, way.options, count: way.count)
            let wanted = try #require(golden.made[way.name])
            #expect(made.joined().map(\.tokens) == wanted.ids, "\(way.name)")
            #expect(made.joined().map(\.text) == wanted.texts, "\(way.name)")
            guard way.name == "beams_0", let scores = wanted.scores else { continue }
            // Where length counts for nothing, a beam's score is the text's log-probability.
            for (text, score) in zip(made.joined(), scores) { #expect(abs(Float(text.logprob) - score) <= 1e-4) }
        }
    }

    @Test("writes the same about an image alone as in a batch", arguments: GenerationGolden.all)
    func rows(golden: GenerationGolden) throws {
        let model = try golden.model()
        let ways =
            golden.ways + [
                ("sampling", GenerationOptions(.sampling(topP: 0.9, topK: 50), maxNewTokens: golden.new), 3)
            ]
        for way in ways {
            let all = try model.texts([0, 1, 2], golden.prompts, way.options, count: way.count)
            #expect(all.map(\.count) == [way.count, way.count, way.count])
            for number in 0..<3 {
                let alone = try model.texts([number], [golden.prompts[number]], way.options, count: way.count)
                #expect(alone[0].map(\.tokens) == all[number].map(\.tokens), "\(way.name), \(number)")
            }
        }
    }

    @Test("computes in bfloat16 too, and in float16", arguments: GenerationGolden.all)
    func precisions(golden: GenerationGolden) throws {
        let options = GenerationOptions(.greedy, maxNewTokens: golden.new)
        let wanted = try golden.model().texts([0, 1, 2], golden.prompts, options)
        for precision in [Precision.bfloat16, .float16] {
            let made = try golden.model(precision).texts([0, 1, 2], golden.prompts, options)
            for (text, other) in zip(made.joined(), wanted.joined()) where text.tokens == other.tokens {
                #expect(abs(text.logprob - other.logprob) < 0.5)
            }
            #expect(made.joined().allSatisfy { $0.logprob.isFinite && !$0.tokens.isEmpty })
        }
    }

    @Test("spaces at a prompt's end are none of its tokens; a placeholder of the image is refused")
    func prompts() throws {
        let model = try GenerationGolden("opt").model()
        #expect(try model.tokens(of: "a photo of ") == model.tokens(of: "a photo of"))
        let error = #expect(throws: ModelError.self) { _ = try model.tokens(of: "<image> a photo of") }
        #expect(
            error?.code == .badOption && error?.message.contains("placeholder") == true, "\(String(describing: error))")
    }

    @Test("OPT's positions are a limit that is told beforehand; T5 has none")
    func room() throws {
        let model = try GenerationGolden("opt").model()
        #expect(model.room == 91)
        #expect(throws: Never.self) { try model.requireRoom(prompt: 61, newTokens: 30) }
        let error = #expect(throws: ModelError.self) { try model.requireRoom(prompt: 62, newTokens: 30) }
        #expect(error?.message.contains("room for 91") == true)
        // The last token that is chosen is not read any more: what fits is computed.
        let prompt = [String](repeating: " a", count: 60).joined()
        #expect(try model.tokens(of: prompt).count == 61)
        _ = try model.texts([0], [prompt], GenerationOptions(.greedy, minNewTokens: 30, maxNewTokens: 30))
        #expect(try GenerationGolden("t5").model().room == nil)
    }
}

@Suite("A folder that is no phase-2 model, or not a whole one")
struct GenerationFaultTests {
    /// The error of loading a copy of a golden's folder, with `change` made in it.
    private func fault(
        _ name: String = "opt", _ change: (_ folder: String) throws -> Void
    ) throws -> ModelError? {
        let folder = try Project.temporaryFolder("phase2")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let copy = folder + "/model"
        try FileManager.default.copyItem(atPath: GenerationGolden(name).directory, toPath: copy)
        try change(copy)
        do {
            _ = try GenerationModel(directory: copy, precision: .float32, on: .cpu)
            return nil
        } catch {
            return error
        }
    }

    private func edit(_ folder: String, _ from: String, _ to: String) throws {
        let text = try String(contentsOfFile: folder + "/config.json", encoding: .utf8)
        #expect(text.contains(from))
        try text.replacing(from, with: to).write(
            toFile: folder + "/config.json", atomically: true, encoding: .utf8)
    }

    /// Writes the folder's weights anew, as `change` leaves them.
    private func weights(_ folder: String, _ change: (inout [String: Tensor]) throws -> Void) throws {
        let checkpoint = try Checkpoint(directory: folder)
        var tensors: [String: Tensor] = [:]
        for name in checkpoint.names { tensors[name] = try checkpoint.tensor(name).to(.float32) }
        try change(&tensors)
        let path = folder + "/new.safetensors"
        try writeSafetensors(tensors, to: path)
        try FileManager.default.removeItem(atPath: folder + "/model.safetensors")
        try FileManager.default.moveItem(atPath: path, toPath: folder + "/model.safetensors")
    }

    @Test("a missing tensor of each part is named, and one too many")
    func tensors() throws {
        for name in [
            "query_tokens", "language_projection.bias", "language_model.model.decoder.layers.1.fc2.weight",
            "vision_model.encoder.layers.0.mlp.fc1.weight",
        ] {
            let error = try fault { folder in try weights(folder) { $0[name] = nil } }
            #expect(error?.code == .badWeights && error?.message.contains(name) == true, "\(String(describing: error))")
        }
        for name in [
            "qformer.encoder.layer.9.output.dense.weight", "language_model.model.decoder.layers.7.fc2.weight",
            "vision_model.encoder.layers.2.mlp.fc1.weight", "something.else",
        ] {
            let error = try fault { folder in
                try weights(folder) { $0[name] = try Tensor([1, 2], shape: [2]) }
            }
            #expect(error?.code == .badWeights && error?.message.contains(name) == true, "\(String(describing: error))")
        }
        let harmless = try fault { folder in
            try weights(folder) { $0["vision_model.embeddings.position_ids"] = try Tensor([1, 2], shape: [2]) }
        }
        #expect(harmless == nil, "\(String(describing: harmless))")
    }

    @Test("a phase-1 model, a model of another type, and a tokenizer that does not fit are told apart")
    func others() throws {
        let phaseOne = try fault { folder in
            try FileManager.default.removeItem(atPath: folder + "/model.safetensors")
            try FileManager.default.copyItem(
                atPath: Project.root + "/Tests/Goldens/blip2/even/model.safetensors",
                toPath: folder + "/model.safetensors")
        }
        #expect(phaseOne?.message.contains("those of phase 1") == true, "\(String(describing: phaseOne))")
        let other = try fault { folder in try edit(folder, "\"blip-2\"", "\"clip\"") }
        #expect(other?.code == .badConfiguration && other?.message.contains("blip-2") == true)
        let none = try fault { folder in
            for name in ["tokenizer.json", "tokenizer_config.json"] {
                try FileManager.default.removeItem(atPath: folder + "/" + name)
            }
        }
        #expect(none?.code == .badTokenizer, "\(String(describing: none))")
        let small = try fault { folder in try edit(folder, "\"vocab_size\": 564", "\"vocab_size\": 100") }
        #expect(small?.code == .badTokenizer && small?.message.contains("vocab_size") == true)
        let end = try fault { folder in try edit(folder, "\"eos_token_id\": 202", "\"eos_token_id\": 9999") }
        #expect(end?.code == .badConfiguration && end?.message.contains("9999") == true, "\(String(describing: end))")
    }
}
