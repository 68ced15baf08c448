import Layers
import Tensors
import TestSupport
import Testing

@testable import BLIP2Models

/// The random choices of a step, and that they do not depend on how its batch is divided.
@Suite("A step of phase 1")
struct StepDivisionTests {
    private let golden = PhaseOneGolden(directory: Project.root + "/Tests/Goldens/blip2/even")
    private let context = StepContext(seed: 5, step: 3, samples: 0..<6)

    /// The loss and the gradients of the step whose global batch is divided into `parts`, with dropout on.
    private func step(_ parts: [Range<Int>], labels: [Int] = Array(0..<6)) throws -> (loss: Float, gradients: [[Float]])
    {
        let texts = try golden.texts()
        let states = try golden.tensor("vision_encoder_out")
        let parameters = try golden.parameters()
        var configuration = try golden.configuration()
        (configuration.qformer.hiddenDropout, configuration.qformer.attentionDropout) = (0.1, 0.2)
        let model = try PhaseOneModel(configuration, Weights(parameters))
        let dropouts = parts.map { StepDropout(configuration.qformer, context.part($0)) }
        // First the features of all, then each part again, with gradients and with the same dropout.
        let vectors = try inference {
            try zip(parts, dropouts).map { part, dropout in
                let looked = try model.look(model.see(states.narrowed(0, part)), dropout.images)
                return (looked.vectors, try model.read(Array(texts[part]), dropout.texts))
            }
        }
        let candidates = try Candidates(
            images: concatenated(vectors.map(\.0), dimension: 0).copied(),
            texts: concatenated(vectors.map(\.1), dimension: 0).copied(), labels: labels)
        var sum: Float = 0
        for (part, dropout) in zip(parts, dropouts) {
            let seen = try model.see(states.narrowed(0, part))
            let looked = try model.look(seen, dropout.images)
            let similarities = try Similarities(
                images: looked.vectors, texts: model.read(Array(texts[part]), dropout.texts), to: candidates, own: part,
                temperature: model.temperature)
            let negatives = try HardNegatives(
                similarities, candidates, draws: HardNegatives.draws(context.part(part)))
            for (pair, (image, text)) in zip(part, zip(negatives.images, negatives.texts)) {
                #expect(labels[image] != labels[pair] && labels[text] != labels[pair])
            }
            let foreign = try negatives.foreignImages(part).map { try states.narrowed(0, $0..<$0 + 1) }
            let batch = MatchingBatch(
                texts: Array(texts[part]), images: seen, negativeTexts: negatives.texts.map { texts[$0] },
                negativeImages: try model.see(
                    negatives, own: part, seen: seen,
                    foreign: foreign.isEmpty ? nil : concatenated(foreign, dimension: 0)))
            let itm = try imageTextMatchingLoss(model, batch, dropout.matching, of: 6)
            let loss =
                try imageTextContrastiveLoss(similarities, candidates, of: 6) + itm.loss
                + imageGroundedGenerationLoss(
                    model, Array(texts[part]), looked, dropout.generation, of: generationTargetCount(texts))
            sum += try loss.detached().floats()[0]
            try loss.backward()
            #expect(try (0...itm.labels.count).contains(itm.correctCount()))
        }
        return (sum, try parameters.tensors.map { try $0.gradient().floats() })
    }

    @Test("has the same loss and gradients however its batch is divided, with dropout on and unequal texts")
    func division() throws {
        let whole = try step([0..<6])
        for size in [3, 2, 1] {
            let parts = stride(from: 0, to: 6, by: size).map { $0..<$0 + size }
            let divided = try step(parts)
            #expect(abs(whole.loss - divided.loss) <= 1e-5, "parts of \(size)")
            for (a, b) in zip(whole.gradients, divided.gradients) {
                #expect(distance(a, b) <= 1e-4 * max(a.map(abs).max() ?? 0, 1e-2), "parts of \(size)")
            }
        }
        let again = try step([0..<6])
        #expect(again.loss == whole.loss && again.gradients == whole.gradients)
    }

    @Test("pairs with the same image are never each other's negatives, and are left out of the contrastive sums")
    func sameImages() throws {
        let labels = [7, 7, 2, 3, 7, 3]
        let logits = (0..<36).map { Float(($0 * 29) % 17) / 4 }
        let targets = try ContrastiveTargets(labels, 0..<6, on: .cpu)
        let made = try targets.entropies(Tensor(logits, shape: [6, 6]), 0.1).floats()
        for row in 0..<6 {
            let kept = (0..<6).filter { $0 == row || labels[$0] != labels[row] }
            let alone = try Tensor(kept.map { logits[row * 6 + $0] }, shape: [1, kept.count])
            let own = try Tensor([kept.firstIndex(of: row) ?? 0], shape: [1])
            #expect(try abs(made[row] - crossEntropy(alone, own, smoothing: 0.1).floats()[0]) <= 1e-5)
        }
        _ = try step([0..<6], labels: labels)
        _ = try step([0..<3, 3..<6], labels: labels)
    }

    @Test("draws the more similar negatives more often, with the weights' frequencies, never the pair itself")
    func frequencies() throws {
        let rows: [Float] = [9, 1, 2, 0, 3, 9, 1, 1]
        let candidates = try Candidates(
            images: Tensor([Float](repeating: 1, count: 4), shape: [4, 1, 1]),
            texts: Tensor([Float](repeating: 1, count: 4), shape: [4, 1]), labels: [0, 1, 2, 3])
        let similarities = Similarities(
            imageToText: try Tensor(rows, shape: [2, 4]), textToImage: try Tensor(rows, shape: [2, 4]), own: 0..<2)
        var counts = [[Int]](repeating: [0, 0, 0, 0], count: 2)
        for step in 1...2000 {
            let context = StepContext(seed: 1, step: step, samples: 0..<2)
            let negatives = try HardNegatives(similarities, candidates, draws: HardNegatives.draws(context))
            for row in 0..<2 {
                counts[row][negatives.images[row]] += 1
                counts[row][negatives.texts[row]] += 1
            }
        }
        let weights = try negativeWeights(similarities.imageToText, candidates.labels, 0..<2)
        for row in 0..<2 {
            #expect(counts[row][row] == 0)
            // Four standard deviations of 4,000 draws are at most 0.032.
            for (count, weight) in zip(counts[row], weights[row]) {
                #expect(abs(Double(count) / 4000 - weight) < 0.032)
            }
        }
    }

    @Test("without a negative, or with damaged similarities, ends with an error that names the pair")
    func refusals() throws {
        #expect(throws: PhaseOneError(code: .noNegative, pair: 0)) { try step([0..<6], labels: [1, 1, 1, 1, 1, 1]) }
        let candidates = try Candidates(
            images: Tensor([1, 1], shape: [2, 1, 1]), texts: Tensor([1, 1], shape: [2, 1]), labels: [0, 1])
        let damaged = Similarities(
            imageToText: try Tensor([Float.nan, .nan], shape: [1, 2]), textToImage: try Tensor([1, 1], shape: [1, 2]),
            own: 1..<2)
        #expect(throws: PhaseOneError(code: .notFinite, pair: 1)) {
            try HardNegatives(damaged, candidates, draws: [(0.5, 0.5)])
        }
    }

    @Test("dropout is that of the sample, the place and the step, whatever stands beside the sample")
    func dropout() throws {
        let texts = try golden.texts()
        var configuration = try golden.configuration()
        (configuration.qformer.hiddenDropout, configuration.qformer.attentionDropout) = (0.3, 0.3)
        let model = try PhaseOneModel(configuration, Weights(golden.parameters()))
        func read(_ rows: Range<Int>, _ context: StepContext) throws -> [Float] {
            try model.read(Array(texts[rows]), StepDropout(configuration.qformer, context.part(rows)).texts)
                .detached().floats()
        }
        let all = try read(0..<6, context)
        let width = all.count / 6
        for row in 0..<6 {
            let alone = try read(row..<row + 1, context)
            #expect(distance(alone, Array(all[row * width..<(row + 1) * width])) <= 1e-5, "row \(row)")
        }
        let other = StepContext(seed: 5, step: 4, samples: 0..<6)
        #expect(try distance(read(0..<6, other), all) > 0.01)
        #expect(try distance(model.read(texts).detached().floats(), all) > 0.01)
    }
}
