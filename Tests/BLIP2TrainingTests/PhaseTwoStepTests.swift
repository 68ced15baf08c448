import BLIP2Models
import Foundation
import LanguageModels
import Layers
import ModelDescriptions
import ModelFolders
import RandomNumbers
import Tensors
import TestSupport
import Testing
import TextTokenizers

@testable import BLIP2Training
@testable import Loading
@testable import Training

/// A tiny phase-2 model to be trained: the phase-1 model of `PhaseOneStage` in front of an OPT that is drawn.
private struct PhaseTwoStage {
    let phaseOne: PhaseOneStage
    private let encoder = Project.root + "/Tests/Goldens/blip2/even"

    init() throws {
        phaseOne = try PhaseOneStage()
        let goldens = Project.root + "/Tests/Goldens/tokenizers/opt"
        let files = FileManager.default
        try files.createDirectory(atPath: language, withIntermediateDirectories: true)
        for name in ["tokenizer.json", "tokenizer_config.json"] {
            try files.copyItem(atPath: "\(goldens)/\(name)", toPath: "\(language)/\(name)")
        }
        let tokenizer = try loadLanguageTokenizer(directory: language)
        var opt = OPTConfiguration()
        (opt.vocabulary, opt.width, opt.wordWidth, opt.innerWidth) = (tokenizer.idLimit + 1, 16, 16, 32)
        (opt.layers, opt.heads, opt.positions) = (2, 2, 64)
        let json = try JSONSerialization.data(withJSONObject: opt.values, options: .sortedKeys)
        try json.write(to: URL(fileURLWithPath: language + "/config.json"))
        let recording = Weights.recording()
        _ = try OPT(recording, opt)
        var tensors: [String: Tensor] = [:]
        for (name, shape) in recording.recorded {
            var draws = SplitMix64(seed: UInt64(name.utf8.reduce(7) { $0 &* 31 &+ Int($1) } & 0xffff))
            let isNorm = name.contains("norm") && name.hasSuffix("weight")
            tensors[name] = try Tensor(
                (0..<shape.reduce(1, *)).map { _ in (isNorm ? 1 : 0) + Float(draws.below(2001)) / 4000 - 0.25 },
                shape: shape)
        }
        try writeSafetensors(tensors, to: language + "/model.safetensors")
        let configuration = try PhaseTwoConfiguration(
            phaseOne.configuration, languageJSON: json, imageToken: nil, hasOwnHead: false)
        try files.createDirectory(atPath: start, withIntermediateDirectories: true)
        try configuration.json().write(to: URL(fileURLWithPath: start + "/config.json"))
        let checkpoint = try Checkpoint(directory: phaseOne.start)
        try writeSafetensors(
            PhaseOneLayout.hub.tensors(PhaseTwoStart(checkpoint, seed: 3).tensors(configuration)),
            to: start + "/model.safetensors")
    }

    var language: String { phaseOne.folder + "/language" }
    var start: String { phaseOne.folder + "/start2" }

    func objective(_ options: PhaseTwoOptions = PhaseTwoOptions()) throws -> PhaseTwoObjective {
        try PhaseTwoObjective(
            start: ModelDirectory(start), encoder: .frozen(ModelDirectory(encoder), .float32),
            language: LanguagePart(ModelDirectory(language), .float32), options: options)
    }

    /// The images of `PhaseOneStage.batch`, with captions of 2 to 9 words.
    func batch(_ numbers: Range<Int> = 0..<8) throws -> TrainingBatch {
        let (images, objective) = (phaseOne.batch(numbers), try objective())
        let captions = numbers.map { number in (0..<2 + number).map { "dog\($0 * number % 5)" }.joined(separator: " ") }
        return TrainingBatch(
            step: 1, numbers: numbers, keys: images.keys, digests: images.digests, pixels: images.pixels,
            captions: captions.map { [$0] }, tokens: captions.map { [objective.tokens(of: $0)] }, damaged: [])
    }
}

@Suite("A training step of phase 2") struct PhaseTwoStepTests {
    private func step(
        _ stage: PhaseTwoStage, processes: Int, microBatches: Int, recomputes: Bool = false
    ) throws -> (loss: Double, gradients: [String: [Float]]) {
        let all = try ThreadGroup.run(processes) { group in
            let options = PhaseTwoOptions(microBatches: microBatches, recomputes: recomputes)
            let model = try stage.objective(options).model(on: .cpu)
            let numbers = ProcessRank(group.index, of: group.count).numbers(in: 8)
            let pass = StepPass(StepContext(seed: 5, step: 1, samples: numbers), batchSize: 8, group)
            let losses = try model.losses(of: stage.batch(numbers), pass)
            let parameters = model.parameters
            let gradients = try zip(parameters.names, parameters.tensors).map { ($0, try $1.gradient().floats()) }
            return (losses.total, Dictionary(uniqueKeysWithValues: gradients))
        }
        var gradients: [String: [Float]] = [:]
        for (_, own) in all { gradients.merge(own) { zip($0, $1).map { $0 + $1 } } }
        return (all.reduce(0) { $0 + $1.0 }, gradients)
    }

    @Test(
        "has the same loss and gradients by one process, by several, in micro-batches, and recomputed, with dropout on",
        arguments: [(2, 1, false), (1, 4, false), (3, 2, false), (1, 1, true)])
    func division(processes: Int, microBatches: Int, recomputes: Bool) throws {
        let stage = try PhaseTwoStage()
        defer { stage.phaseOne.remove() }
        let whole = try step(stage, processes: 1, microBatches: 1)
        let divided = try step(stage, processes: processes, microBatches: microBatches, recomputes: recomputes)
        #expect(abs(whole.loss - divided.loss) < 1e-5, "\(whole.loss) and \(divided.loss)")
        for (name, values) in whole.gradients {
            let other = try #require(divided.gradients[name])
            let size = max(values.map(abs).max() ?? 0, 1e-3)
            #expect((zip(values, other).map { abs($0 - $1) }.max() ?? 0) / size < 1e-4, "\(name)")
        }
        #expect(whole.gradients["query_tokens"]?.contains { $0 != 0 } == true)
    }

    @Test("learns a batch, tells how much the image matters, and writes a model whole")
    func training() async throws {
        let stage = try PhaseTwoStage()
        defer { stage.phaseOne.remove() }
        let objective = try stage.objective()
        let options = TrainingOptions(
            objective: "test", start: "start", data: "data", seed: 5, batchSize: 8,
            schedule: Schedule(peak: 0.02, floor: 0.02, warmUpSteps: 0, steps: 60), weightDecay: 0, gradientLimit: 0,
            precision: "float32", threads: 1, optimizer: AdamW.Options(beta1: 0.9, beta2: 0.98, epsilon: 1e-8))
        let trainer = try Trainer(objective, options, device: .cpu)
        let batch = try stage.batch()
        let first = try await trainer.train(on: batch).loss
        var last = first
        for _ in 1..<60 { last = try await trainer.train(on: batch).loss }
        #expect(last < first - 0.3, "\(first) to \(last)")
        let held = try #require(try await trainer.validate(on: batch, 1))
        #expect(held.terms.keys.sorted() == ["no_image", "other_image", "right_image"])
        #expect(try #require(held.terms["right_image"]) < #require(held.terms["other_image"]))

        let folder = stage.phaseOne.folder + "/made"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await trainer.writeModel(as: .float32, to: folder)
        let made = try ModelDirectory(folder)
        let configuration = try made.configuration("config.json", PhaseTwoConfiguration.init(json:))
        let checkpoint = try Checkpoint(directory: folder)
        _ = try PhaseTwoModel(configuration, Weights(checkpoint, DType.float32, on: .cpu))
        _ = try configuration.language.model(Weights(checkpoint, DType.float32, on: .cpu).scoped("language_model"))
        #expect(try loadLanguageTokenizer(directory: folder).idLimit < configuration.language.vocabulary)
    }

    @Test("a tensor that the phase-1 model lacks is named")
    func missing() throws {
        let stage = try PhaseTwoStage()
        defer { stage.phaseOne.remove() }
        let configuration = try stage.objective().configuration
        let lacking = "qformer.encoder.layer.0.output_query.dense.weight"
        let whole = try Checkpoint(directory: stage.phaseOne.start)
        var tensors: [String: Tensor] = [:]
        for name in whole.names where name != lacking { tensors[name] = try whole.tensor(name) }
        try writeSafetensors(tensors, to: stage.phaseOne.folder + "/lacking.safetensors")
        let checkpoint = try Checkpoint(file: stage.phaseOne.folder + "/lacking.safetensors")
        let error = #expect(throws: WeightsError.self) {
            _ = try PhaseTwoStart(checkpoint, seed: 3).tensors(configuration)
        }
        #expect(error?.key == lacking)
    }
}
