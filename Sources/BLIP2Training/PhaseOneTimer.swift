import BLIP2Models
import Layers
package import Loading
package import Tensors
import Training
import VisionLanguage

/// A part of a step of phase 1, and what it costs when it is computed alone.
package struct PhaseOnePart: Sendable, Codable {
    package let name: String
    /// Seconds of the forward pass, and of the backward pass where the part has one: medians.
    package let forward: Double
    package let backward: Double
    /// Operations of the forward pass.
    package let operations: Double
}

/// Times the parts of a step of phase 1, each alone, for `scripts/bench stage1`.
package actor PhaseOneTimer {
    private let executor = TorchExecutor()
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    private let training: PhaseOneTraining
    private let batch: TrainingBatch
    private let dtype: DType
    private let threads: Int
    private let optimizer: AdamW

    /// Times steps of `objective`'s model with `batch` in `precision`.
    package init(_ objective: PhaseOneObjective, _ batch: TrainingBatch, _ precision: Precision, threads: Int) throws {
        guard let training = try objective.model(on: .cpu) as? PhaseOneTraining else {
            preconditionFailure("the model of phase 1")
        }
        (self.training, self.batch, self.threads) = (training, batch, threads)
        dtype = precision.dtype(on: .cpu)
        optimizer = try AdamW([AdamW.Group(training.parameters.tensors, decay: 0.05)])
    }

    /// The parts in the order of a step; each is computed `rounds` times and once more before.
    package func times(rounds: Int) throws -> [PhaseOnePart] {
        useThreads(threads)
        let (model, count) = (training.model, batch.count)
        let texts = batch.tokens.map { $0[0] }
        let context = StepContext(seed: 1, step: 1, samples: batch.numbers)
        let dropout = StepDropout(model.configuration.qformer, context)
        let states = try training.encode(batch, 0..<count)
        let (seen, looked, read) = try autocast(dtype, on: .cpu) {
            let seen = try model.see(states).detached()
            return try (seen, model.look(seen, dropout.images).detached(), model.read(texts, dropout.texts).detached())
        }
        let (images, words) = try (looked.vectors.parameter(), read.parameter())
        let candidates = try Candidates(images: images, texts: words, labels: Array(0..<count))
        func similarities() throws -> Similarities {
            try Similarities(
                images: images, texts: words, to: candidates, own: 0..<count, temperature: model.temperature)
        }
        let negatives = try HardNegatives(
            inference { try similarities() }, candidates, draws: HardNegatives.draws(context))
        let others = negatives.texts.map { texts[$0] }
        let work = PhaseOneArithmetic(model.configuration, texts: texts, negativeTexts: others)
        return try [
            part("image encoder", work.encoder, rounds) {
                _ = try training.encode(batch, 0..<count)
                return nil
            },
            part("queries see and look", work.looking, rounds) {
                try model.look(model.see(states), dropout.images).vectors.mean()
            },
            part("text is read", work.reading, rounds) { try model.read(texts, dropout.texts).mean() },
            part("losses of similarities", work.similarities, rounds) {
                let similarities = try similarities()
                _ = try HardNegatives(similarities, candidates, draws: HardNegatives.draws(context))
                return try imageTextContrastiveLoss(similarities, candidates, of: count)
            },
            part("matching", work.matching, rounds) {
                let matching = MatchingBatch(
                    texts: texts, images: seen, negativeTexts: others,
                    negativeImages: try seen.selecting(negatives.images))
                return try imageTextMatchingLoss(model, matching, dropout.matching, of: count).loss
            },
            part("generation", work.generation, rounds) {
                try imageGroundedGenerationLoss(
                    model, texts, looked, dropout.generation, of: generationTargetCount(texts))
            },
            part("optimizer", 0, rounds) {
                _ = try clipGradients(training.parameters.tensors, limit: 1)
                try optimizer(step: 1, rate: 1e-6)
                return nil
            },
        ]
    }

    /// The median times of `forward`, and of the gradients of the scalar that it gives.
    private func part(
        _ name: String, _ operations: Double, _ rounds: Int, _ forward: () throws -> Tensor?
    ) throws -> PhaseOnePart {
        var times: [(Double, Double)] = []
        for _ in 0...rounds {
            let start = ContinuousClock.now
            let loss = try autocast(dtype, on: .cpu, forward)
            let middle = ContinuousClock.now
            try loss?.backward()
            times.append(
                ((middle - start) / .seconds(1), loss == nil ? 0 : (ContinuousClock.now - middle) / .seconds(1)))
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let timed = times.dropFirst()
        return PhaseOnePart(
            name: name, forward: median(timed.map(\.0)), backward: median(timed.map(\.1)), operations: operations)
    }
}
