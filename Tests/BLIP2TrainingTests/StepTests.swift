import BLIP2Models
import Layers
import Tensors
import Testing
import Training

@testable import BLIP2Training
@testable import Loading

/// What one step makes of one global batch, whoever computes which part of it.
@Suite("A training step of phase 1") struct StepTests {
    struct Made {
        let losses: StepLosses
        /// The gradients, the sums over the processes.
        let gradients: [String: [Float]]
    }

    /// A step of eight pairs by `processes` processes, each in `microBatches`.
    private func step(
        _ stage: PhaseOneStage, processes: Int, microBatches: Int, training: EncoderTraining? = nil
    ) throws -> Made {
        if let training { _ = try stage.tuned(training) }  // its folder is made once
        let all = try ThreadGroup.run(processes) { group in
            let options = PhaseOneOptions(microBatches: microBatches, sameImage: training == nil ? .leftOut : .shared)
            let objective = try training.map { try stage.tuned($0, options) } ?? stage.objective(options)
            let model = try objective.model(on: .cpu)
            let numbers = ProcessRank(group.index, of: group.count).numbers(in: 8)
            var lasts = 0
            let pass = StepPass(
                StepContext(seed: 5, step: 1, samples: numbers), batchSize: 8, group, beforeLast: { lasts += 1 })
            let losses = try model.losses(of: stage.batch(numbers), pass)
            #expect(lasts == 1)
            let parameters = model.parameters
            let gradients = try zip(parameters.names, parameters.tensors).map { ($0, try $1.gradient().floats()) }
            return (losses, Dictionary(uniqueKeysWithValues: gradients))
        }
        var (total, terms, gradients) = (0.0, [String: Double](), [String: [Float]]())
        for (losses, own) in all {
            total += losses.total
            terms.merge(losses.terms) { $0 + $1 }
            gradients.merge(own) { zip($0, $1).map { $0 + $1 } }
        }
        return Made(losses: StepLosses(total: total, terms: terms), gradients: gradients)
    }

    @Test(
        "has the same losses and gradients by one process, by two, by four, and in micro-batches, with dropout on",
        arguments: [(2, 1), (4, 1), (1, 2), (1, 8), (2, 2), (3, 2)])
    func division(processes: Int, microBatches: Int) throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let whole = try step(stage, processes: 1, microBatches: 1)
        let divided = try step(stage, processes: processes, microBatches: microBatches)
        #expect(abs(whole.losses.total - divided.losses.total) < 1e-5)
        #expect(whole.losses.terms.keys.sorted() == divided.losses.terms.keys.sorted())
        for (name, value) in whole.losses.terms {
            #expect(abs(value - (divided.losses.terms[name] ?? .nan)) < 1e-5, "\(name)")
        }
        #expect(whole.losses.terms["same_image_pairs"] == 2)
        for (name, values) in whole.gradients {
            let other = try #require(divided.gradients[name])
            let size = max(values.map(abs).max() ?? 0, 1e-3)
            let difference = zip(values, other).map { abs($0 - $1) }.max() ?? 0
            #expect(difference / size < 1e-4, "\(name): \(difference) of \(size)")
        }
    }

    @Test(
        "with a trained image encoder too: what other processes and micro-batches say of an image reaches the encoder",
        arguments: [(2, 1), (1, 2), (1, 8), (3, 2)])
    func tunedDivision(processes: Int, microBatches: Int) throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let whole = try step(stage, processes: 1, microBatches: 1, training: EncoderTraining())
        let divided = try step(
            stage, processes: processes, microBatches: microBatches, training: EncoderTraining(recomputes: true))
        #expect(abs(whole.losses.total - divided.losses.total) < 1e-5)
        for (name, values) in whole.gradients {
            let other = try #require(divided.gradients[name])
            let size = max(values.map(abs).max() ?? 0, 1e-3)
            let difference = zip(values, other).map { abs($0 - $1) }.max() ?? 0
            #expect(difference / size < 1e-4, "\(name): \(difference) of \(size)")
        }
        #expect(whole.gradients["vision_model.embeddings.patch_embedding.weight"]?.contains { $0 != 0 } == true)
    }

    @Test("a trained image encoder has the gradients that it would have if the losses were taken right behind it")
    func tunedGradient() throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let batch = stage.batch()
        let pass = StepPass(StepContext(seed: 5, step: 1, samples: 0..<8), batchSize: 8)
        func gradients(_ take: (PhaseOneTraining) throws -> Void) throws -> [[Float]] {
            let training = try #require(try stage.tuned(EncoderTraining()).model(on: .cpu) as? PhaseOneTraining)
            try take(training)
            return try training.parameters.tensors.map { try $0.gradient().floats() }
        }
        let made = try gradients { _ = try $0.losses(of: batch, pass) }
        let direct = try gradients { training in
            let pairs = try StepPairs(batch, OneProcess())
            let states = try training.encode(batch, 0..<8)
            let work = PhaseOneWork(training, 0..<8, states, pairs, pass)
            let features = try work.features()
            let candidates = try Candidates(
                images: features.looked.vectors, texts: features.texts, labels: pairs.labels)
            let negatives = try work.negatives(features, candidates)
            let others = try ImageStates(states, 0..<8, wanted: negatives.images, pairs, OneProcess())
            try work.losses(features, candidates, negatives, others).total.backward()
        }
        for (one, other) in zip(made, direct) {
            let size = max(other.map(abs).max() ?? 0, 1e-3)
            #expect(zip(one, other).allSatisfy { abs($0 - $1) <= 1e-4 * size })
        }
    }

    @Test("takes LAVIS's mean of means where it is asked to, which is another with texts of unequal lengths")
    func textMean() throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        func itg(_ mean: PhaseOneOptions.TextMean) throws -> Double {
            try ThreadGroup.run(2) { group in
                let model = try stage.objective(PhaseOneOptions(textMean: mean)).model(on: .cpu)
                // Texts of three words in the one process, and mostly of 25 in the other.
                let numbers = group.index == 0 ? 0..<1 : 1..<8
                let pass = StepPass(StepContext(seed: 5, step: 1, samples: numbers), batchSize: 8, group)
                return try model.losses(of: stage.batch(numbers), pass).terms["itg"] ?? 0
            }.reduce(0, +)
        }
        #expect(try abs(itg(.global) - itg(.processes)) > 1e-4)
    }

    @Test("draws the same in each validation, drops nothing, and leaves no gradient")
    func validation() async throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let model = try stage.objective().model(on: .cpu)
        let pass = StepPass(StepContext(seed: 5, step: 1, samples: 0..<8), batchSize: 8, isTraining: false)
        let losses = try [1, 2].map { _ in try model.losses(of: stage.batch(), pass) }
        #expect(losses[0] == losses[1])
        #expect(try model.parameters.tensors.allSatisfy { try $0.gradient().floats().allSatisfy { $0 == 0 } })
    }

    @Test("without a negative for some pair is refused")
    func noNegative() throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let model = try stage.objective().model(on: .cpu)
        let alike = stage.batch(1..<3)
        let batch = TrainingBatch(
            step: 1, numbers: 0..<2, keys: alike.keys, digests: alike.digests, pixels: alike.pixels,
            captions: alike.captions, tokens: alike.tokens, damaged: [])
        let pass = StepPass(StepContext(seed: 5, step: 1, samples: 0..<2), batchSize: 2)
        #expect(throws: PhaseOneError.self) { try model.losses(of: batch, pass) }
    }

    @Test("decays all but vectors and biases, as LAVIS does")
    func groups() throws {
        let stage = try PhaseOneStage()
        defer { stage.remove() }
        let groups = try stage.objective().model(on: .cpu).groups(decay: 0.05)
        #expect(groups.map(\.decay) == [0.05, 0])
        for name in ["query_tokens", "temp", "embeddings.word_embeddings.weight", "itm_head.weight"] {
            #expect(groups[0].names.contains(name), "\(name)")
        }
        for name in ["cls.predictions.bias", "qformer.layernorm.weight", "vision_model.post_layernorm.weight"] {
            #expect(groups[1].names.contains(name), "\(name)")
        }
    }
}
