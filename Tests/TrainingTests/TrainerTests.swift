import Foundation
import Layers
import ModelFolders
import Tensors
import TestSupport
import Testing

@testable import Training

@Suite("A model in training") struct TrainerTests {
    /// Takes the steps `steps`, and gives their reports.
    private func train(_ trainer: Trainer, _ steps: ClosedRange<Int>) async throws -> [Trainer.Report] {
        var reports: [Trainer.Report] = []
        for step in steps { reports.append(try await trainer.train(on: tinyBatch(step))) }
        return reports
    }

    @Test("learns, and shows the terms of its loss by name")
    func terms() async throws {
        let objective = try TinyObjective()
        defer { objective.remove() }
        let reports = try await train(Trainer(objective, tinyOptions(), device: .cpu), 1...12)
        #expect(reports[11].loss < 0.8 * reports[0].loss)
        for report in reports {
            #expect(report.terms.keys.sorted() == ["length", "likelihood"])
            #expect(abs(report.terms.values.reduce(0, +) - report.loss) < 1e-6)
        }
    }

    @Test("goes on from a checkpoint with the same losses, bit for bit, though each step draws its own noise")
    func resumption() async throws {
        let objective = try TinyObjective()
        defer { objective.remove() }
        let whole = try await train(Trainer(objective, tinyOptions(), device: .cpu), 1...10)
        let folder = RunFolder(objective.folder + "/run")
        let first = try Trainer(objective, tinyOptions(), device: .cpu)
        _ = try await train(first, 1...6)
        try await folder.save(first)
        let second = try Trainer(objective, tinyOptions(), device: .cpu)
        try await folder.resume(second)
        #expect(await second.step == 6)
        #expect(try await train(second, 7...10) == Array(whole[6...]))
    }

    @Test("keeps a frozen part as it is, out of the optimizer and of what is stored; the state has its digest")
    func frozen() async throws {
        let objective = try TinyObjective(frozen: .bfloat16)
        defer { objective.remove() }
        let trainer = try Trainer(objective, tinyOptions(), device: .cpu)
        _ = try await train(trainer, 1...3)
        let folder = RunFolder(objective.folder + "/run")
        try await folder.save(trainer)
        let saved = folder.path + "/checkpoints/step-00000003"
        #expect(try Checkpoint(directory: saved).names == ["head.bias", "head.weight"])
        #expect(try Checkpoint(file: saved + "/optimizer.safetensors").names.allSatisfy { $0.contains(".head.") })
        let state = try RunState(file: saved + "/state.json")
        #expect(state.frozen == ["tower": try objective.tower().weights.digest])

        try objective.writeTower(seed: 30)
        let other = try Trainer(objective, tinyOptions(), device: .cpu)
        let error = await #expect(throws: TrainingError.self) { try await folder.resume(other) }
        #expect(error?.code == .otherOptions && error?.message.contains("frozen.tower") == true, "\(error as Any)")
    }

    @Test("computes a frozen part in its own element type, whatever the precision of the rest, without gradients")
    func frozenPrecision() throws {
        for stored in [DType.float32, .bfloat16] {
            let objective = try TinyObjective(frozen: stored)
            defer { objective.remove() }
            let tower = try objective.tower()
            let pixels = try Tensor([Float](repeating: 0.5, count: 6), shape: [2, 3]).parameter()
            for precision in [DType.float32, .bfloat16] {
                let made = try autocast(precision, on: .cpu) {
                    try tower { layer throws(TorchError) in try layer(pixels.to(stored)) }
                }
                #expect(made.dtype == stored)
                // A constant: nothing can be taken of it, and what is computed from it can be.
                #expect(throws: TorchError.self) { try made.mean().backward() }
                let factor = try Tensor([Float(2)], shape: [1]).parameter()
                try (made * factor).mean().backward()
                #expect(try abs(factor.gradient().floats()[0] - made.to(.float32).mean().floats()[0]) < 1e-2)
            }
        }
    }

    @Test("has groups with rates and decays of their own")
    func groups() async throws {
        var objective = try TinyObjective()
        defer { objective.remove() }
        objective.biasFactor = 0
        let trainer = try Trainer(objective, tinyOptions(), device: .cpu)
        _ = try await train(trainer, 1...3)
        try await trainer.writeModel(as: .float32, to: objective.folder)
        let (start, trained) = (
            try Checkpoint(directory: objective.directory.path),
            try Checkpoint(directory: objective.folder)
        )
        #expect(try trained.tensor("head.bias").floats() == start.tensor("head.bias").floats())
        #expect(try trained.tensor("head.weight").floats() != start.tensor("head.weight").floats())
    }

    /// Halves the gradients.
    private struct Halving: GradientReducer {
        func begin(_ parameters: Parameters) {}
        func finish(_ parameters: Parameters) throws {
            for parameter in parameters.tensors {
                let gradient = try parameter.gradient()
                try gradient.assign(gradient * 0.5)
            }
        }
    }

    @Test("reduces gradients over the processes before they are limited")
    func reduction() async throws {
        let objective = try TinyObjective()
        defer { objective.remove() }
        let alone = try await Trainer(objective, tinyOptions(), device: .cpu).train(on: tinyBatch(1))
        let together = try await Trainer(objective, tinyOptions(), device: .cpu, reducer: Halving()).train(
            on: tinyBatch(1))
        #expect(together.loss == alone.loss)
        #expect(abs(together.gradientNorm - alone.gradientNorm / 2) < 1e-6)
    }

    @Test("is not continued from the state of another version, nor with other options, by name")
    func states() async throws {
        let objective = try TinyObjective()
        defer { objective.remove() }
        let folder = RunFolder(objective.folder + "/run")
        let trainer = try Trainer(objective, tinyOptions(), device: .cpu)
        _ = try await train(trainer, 1...2)
        try await folder.save(trainer)

        var options = tinyOptions()
        options.schedule.peak = 0.5
        options.batchSize = 8
        let different = try Trainer(objective, options, device: .cpu)
        let refusal = await #expect(throws: TrainingError.self) { try await folder.resume(different) }
        #expect(refusal?.code == .otherOptions)
        #expect(
            refusal?.message.hasSuffix(
                ": batch_size: 8, not 4; schedule.learning_rate: 0.5, not 0.1") == true,
            "\(refusal as Any)")

        let path = folder.path + "/checkpoints/step-00000002/state.json"
        for (text, code) in [
            ("{\"step\": 2, \"options\": {\"batchSize\": 4}}", TrainingError.Code.otherVersion),
            ("{\"version\": 9}", .otherVersion), ("{\"version\": 3, \"st", .checkpoint),
            ("{\"version\": 3}", .checkpoint),
        ] {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let error = await #expect(throws: TrainingError.self) { try await folder.resume(trainer) }
            #expect(error?.code == code && error?.path == path, "\(text): \(error as Any)")
        }
    }
}

@Suite("What a step draws") struct StepContextTests {
    @Test("is another at each step, for each purpose and sample, and the same however the batch is divided")
    func keys() {
        let context = StepContext(seed: 1, step: 5, samples: 0..<8)
        let keys = context.keys("dropout")
        #expect(Set(keys + context.keys("negatives")).count == 16)
        #expect(Set(keys).isDisjoint(with: StepContext(seed: 1, step: 6, samples: 0..<8).keys("dropout")))
        #expect(Set(keys).isDisjoint(with: StepContext(seed: 2, step: 5, samples: 0..<8).keys("dropout")))
        let parts = [0..<3, 3..<8].map { context.part($0) }
        #expect(parts.flatMap { $0.keys("dropout") } == keys)
        #expect(parts[1].part(2..<4).samples == 5..<7)
        #expect(parts[1].key("negatives") == context.key("negatives"))
    }
}
