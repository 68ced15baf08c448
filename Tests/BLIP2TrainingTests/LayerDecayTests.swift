import BLIP2Models
import Foundation
import Layers
import Tensors
import Testing
import VisionLanguage

@testable import BLIP2Training
@testable import Loading
@testable import Training

@Suite("Learning rates that fall from layer to layer") struct LayerDecayTests {
    private static let decay = 0.5

    /// The parameters before and after a step, by name.
    private func step(_ stage: PhaseOneStage, layerDecay: Double) async throws -> (
        updates: [String: [Double]], report: Trainer.Report, inventory: Inventory
    ) {
        let objective = try stage.tuned(EncoderTraining(layerDecay: layerDecay))
        let options = TrainingOptions(
            objective: "test", start: "start", data: "data", seed: 5, batchSize: 8,
            schedule: Schedule(peak: 0.01, floor: 0.01, warmUpSteps: 0, steps: 4), weightDecay: 0.1, gradientLimit: 0,
            precision: "float32", threads: 1)
        let trainer = try Trainer(objective, options, device: .cpu)
        let folders = try ["before", "after"].map { name in
            let folder = "\(stage.folder)/\(name) \(layerDecay)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            return folder
        }
        try await trainer.writeModel(as: .float32, to: folders[0])
        let report = try await trainer.train(on: stage.batch())
        try await trainer.writeModel(as: .float32, to: folders[1])
        let (before, after) = (try Checkpoint(directory: folders[0]), try Checkpoint(directory: folders[1]))
        var updates: [String: [Double]] = [:]
        for name in before.names {
            updates[name] = try zip(before.tensor(name).floats(), after.tensor(name).floats()).map { Double($1 - $0) }
        }
        return (updates, report, await trainer.inventory)
    }

    @Test("a step moves each layer by its factor times what it moves without decay, weight decay included")
    func effect() async throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let (plain, decayed) = (
            try await step(stage, layerDecay: 1), try await step(stage, layerDecay: Self.decay)
        )
        var factors: Set<Double> = []
        for (name, update) in plain.updates {
            let factor = stage.configuration.encoder.rateFactor(of: name, decay: Self.decay)
            factors.insert(factor)
            let other = try #require(decayed.updates[name])
            // What the rounding of a parameter of about 1 leaves of a step of 0.01.
            #expect(zip(update, other).allSatisfy { abs($0 * factor - $1) < 1e-6 }, "\(name) by \(factor)")
        }
        let layers = stage.configuration.encoder.vision.layers
        #expect(factors == Set((0...layers + 1).map { pow(Self.decay, Double($0)) }.filter { $0 > 0 }))
        let moved = try #require(plain.updates["vision_model.embeddings.patch_embedding.weight"])
        #expect(moved.map(abs).max() ?? 0 > 0.009)
    }

    @Test("the log has the lowest rate, and the inventory how much is slowed")
    func said() async throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let (plain, decayed) = (
            try await step(stage, layerDecay: 1), try await step(stage, layerDecay: Self.decay)
        )
        let lowest = pow(Self.decay, Double(stage.configuration.encoder.vision.layers + 1))
        #expect(plain.report.terms["lowest_learning_rate"] == nil && plain.inventory.slowedParameters == 0)
        #expect(decayed.report.terms["lowest_learning_rate"] == 0.01 * lowest)
        #expect(decayed.inventory.lowestFactor == lowest)
        let encoder = stage.configuration.encoder.hubShapes.reduce(0) { $0 + $1.1.reduce(1, *) }
        #expect(decayed.inventory.slowedParameters == encoder)
    }
}
