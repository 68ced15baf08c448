import Foundation
import LanguageModels
import Layers
import Tensors
import TestSupport
import Testing

@testable import BLIP2Models

/// A tiny checkpoint of BLIP-2 with a language model and what transformers made of it: one of those that
/// `Tests/Goldens/make_phase_two_goldens.py` wrote, or of the folder that the environment variable GOLDENS names, which has
/// the same form, with fewer gradients.
struct PhaseTwoGolden: CustomTestStringConvertible, Sendable {
    let directory: String

    static let all: [PhaseTwoGolden] =
        ProcessInfo.processInfo.environment["GOLDENS"].map { folder in
            ["blip2_opt", "blip2_t5"].map { PhaseTwoGolden(directory: "\(folder)/\($0)") }
        } ?? ["opt", "t5"].map { PhaseTwoGolden(directory: "\(Project.root)/Tests/Goldens/blip2/\($0)") }

    var testDescription: String { URL(fileURLWithPath: directory).lastPathComponent }

    func configuration() throws -> PhaseTwoConfiguration {
        try PhaseTwoConfiguration(json: Data(contentsOf: URL(fileURLWithPath: directory + "/config.json")))
    }

    func golden() throws -> Checkpoint { try Checkpoint(file: directory + "/golden.safetensors") }

    /// What is trained.
    func parameters() throws -> Parameters {
        let recording = Weights.recording()
        _ = try PhaseTwoModel(configuration(), recording)
        let checkpoint = try Checkpoint(directory: directory)
        var tensors: [String: Tensor] = [:]
        for (name, _) in recording.recorded { tensors[name] = try checkpoint.tensor(name) }
        return try Parameters(tensors, on: .cpu)
    }

    /// The language model, with constants for parameters.
    ///
    /// transformers ties T5's head when it writes the file; the golden then has the head itself.
    func language(_ configuration: PhaseTwoConfiguration? = nil) throws -> any LanguageModel {
        let configuration = try configuration ?? self.configuration()
        let (golden, name) = (try golden(), "extra.lm_head.weight")
        let checkpoint = try Checkpoint(directory: directory)
        guard golden.shape(of: name) != nil else {
            return try configuration.language.model(
                Weights(checkpoint, DType.float32, on: .cpu).scoped("language_model"))
        }
        let prefix = "language_model."
        var tensors = ["lm_head.weight": try golden.tensor(name)]
        for stored in checkpoint.names where stored.hasPrefix(prefix) && !stored.hasSuffix("lm_head.weight") {
            tensors[String(stored.dropFirst(prefix.count))] = try checkpoint.tensor(stored)
        }
        return try configuration.language.model(Weights(Parameters(tensors, on: .cpu)))
    }

    /// The states of the golden's images.
    func states() throws -> Tensor {
        let encoder = try ImageEncoder(
            Checkpoint(directory: directory), configuration().vision.encoder, .float32, on: .cpu)
        return try encoder(golden().tensor("pixel_values"))
    }

    /// The rows of a matrix of whole numbers, without those for which `isThere` is false.
    func rows(_ name: String, _ isThere: (_ row: Int, _ place: Int, _ value: Int) -> Bool) throws -> [[Int]] {
        let tensor = try golden().tensor(name)
        let (values, width) = (try tensor.integers(), tensor.shape[1])
        return (0..<tensor.shape[0]).map { row in
            (0..<width).filter { isThere(row, $0, values[row * width + $0]) }.map { values[row * width + $0] }
        }
    }

    private func masked(_ name: String, by mask: String) throws -> [[Int]] {
        let tensor = try golden().tensor(mask)
        let (there, width) = (try tensor.integers(), tensor.shape[1])
        return try rows(name) { row, place, _ in there[row * width + place] == 1 }
    }

    /// The prompts that texts are generated behind.
    func prompts() throws -> [[Int]] { try masked("prompt_ids", by: "prompt_mask") }

    func samples() throws -> [LanguageSample] {
        guard try configuration().language.isDecoder else {
            let prompts = try masked("prompt_ids", by: "prompt_mask")
            let texts = try rows("labels") { _, _, value in value >= 0 }
            return zip(prompts, texts).map { LanguageSample(given: $0, target: TargetText($1)) }
        }
        return try masked("text_ids", by: "text_mask").map { LanguageSample(given: [], target: TargetText($0)) }
    }
}

@Suite("Phase 2's objective, against transformers")
struct PhaseTwoParityTests {
    @Test(
        "the loss is equal within 1e-5, the gradient of every trained tensor within 1e-4", arguments: PhaseTwoGolden.all
    )
    func parity(golden: PhaseTwoGolden) throws {
        let parameters = try golden.parameters()
        let model = try PhaseTwoModel(golden.configuration(), Weights(parameters))
        let (language, samples) = (try golden.language(), try golden.samples())
        let loss = try languageModelLoss(
            language, model.describe(golden.states()), samples, of: Double(samples.reduce(0) { $0 + $1.targetCount }))
        let reference = try golden.golden()
        let distance = try abs(loss.detached().floats()[0] - reference.tensor("loss").floats()[0])
        #expect(distance <= 1e-5, "\(distance)")
        try loss.backward()
        var compared = 0
        for (name, parameter) in zip(parameters.names, parameters.tensors)
        where reference.shape(of: "grad." + name) != nil {
            let (made, wanted) = (try parameter.gradient().floats(), try reference.tensor("grad." + name).floats())
            // A key's bias moves all logits of a row alike: its true gradient is 0, and what is there is rounding.
            let size = name.hasSuffix("key.bias") ? 1 : max(wanted.map(abs).max() ?? 0, 1e-3)
            let worst = zip(made, wanted).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst / size <= 1e-4, "\(name)")
            compared += 1
        }
        let isWhole = ProcessInfo.processInfo.environment["GOLDENS"] == nil
        #expect(compared == (isWhole ? parameters.names.count : compared) && (compared > 0 || !isWhole))
    }

    @Test("divided into micro-batches, losses and gradients are the same to rounding", arguments: PhaseTwoGolden.all)
    func division(golden: PhaseTwoGolden) throws {
        let (language, samples, states) = (try golden.language(), try golden.samples(), try golden.states())
        let count = Double(samples.reduce(0) { $0 + $1.targetCount })
        var gradients: [[[Float]]] = []
        var losses: [Float] = []
        for parts in [1, 2] {
            let parameters = try golden.parameters()
            let model = try PhaseTwoModel(golden.configuration(), Weights(parameters))
            var total: Float = 0
            for part in 0..<parts {
                let own = part * samples.count / parts..<(part + 1) * samples.count / parts
                let loss = try languageModelLoss(
                    language, model.describe(states.narrowed(0, own)), Array(samples[own]), of: count)
                try loss.backward()
                total += try loss.detached().floats()[0]
            }
            losses.append(total)
            gradients.append(try parameters.tensors.map { try $0.gradient().floats() })
        }
        #expect(abs(losses[0] - losses[1]) < 1e-5)
        for (whole, divided) in zip(gradients[0], gradients[1]) {
            let size = max(whole.map(abs).max() ?? 0, 1e-3)
            #expect(zip(whole, divided).allSatisfy { abs($0 - $1) <= 1e-4 * size })
        }
    }

    @Test("the description survives writing and reading", arguments: PhaseTwoGolden.all)
    func description(golden: PhaseTwoGolden) throws {
        let configuration = try golden.configuration()
        let again = try PhaseTwoConfiguration(json: configuration.json())
        #expect(again.vision == configuration.vision && again.language == configuration.language)
        #expect(again.imageToken == configuration.imageToken && again.readsText == configuration.readsText)
    }
}
