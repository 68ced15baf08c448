import BLIP2Models
import Layers
import Tensors
import Training

// Shape letters of this file: b pairs of the micro-batch, S tokens of an image, E width of its states.

/// One micro-batch of a step of phase 1.
struct PhaseOneWork {
    /// The pairs as the contrastive objective needs them.
    struct Features {
        let seen: SeenByQueries
        let looked: LookedAt
        /// The texts' unit vectors.
        let texts: Tensor
    }

    private let training: PhaseOneTraining
    /// Which pairs of the global batch these are.
    private let own: Range<Int>
    /// Their images' states `[b, S, E]`.
    private let states: Tensor
    private let pairs: StepPairs
    private let pass: StepPass
    private let dropout: StepDropout?

    init(_ training: PhaseOneTraining, _ own: Range<Int>, _ states: Tensor, _ pairs: StepPairs, _ pass: StepPass) {
        (self.training, self.own, self.states, self.pairs, self.pass) = (training, own, states, pairs, pass)
        dropout = pass.isTraining ? StepDropout(training.model.configuration.qformer, pass.context(of: own)) : nil
    }

    private var model: PhaseOneModel { training.model }
    private var texts: [[Int]] { Array(pairs.texts[own]) }

    func features() throws -> Features {
        let seen = try model.see(states)
        return try Features(
            seen: seen, looked: model.look(seen, dropout?.images), texts: model.read(texts, dropout?.texts))
    }

    /// The negatives of the pairs, drawn by their similarities.
    func negatives(_ features: Features, _ candidates: Candidates) throws -> HardNegatives {
        try HardNegatives(
            inference { try similarities(features, candidates) }, candidates,
            draws: HardNegatives.draws(pass.context(of: own)))
    }

    func losses(
        _ features: Features, _ candidates: Candidates, _ negatives: HardNegatives, _ others: ImageStates
    ) throws -> PhaseOneLosses {
        let (count, smoothing) = (candidates.count, training.options.smoothing)
        let itc = try imageTextContrastiveLoss(
            similarities(features, candidates), candidates, smoothing: smoothing,
            sharesTargets: training.options.sameImage == .shared, of: count)
        let foreign = try others(negatives.foreignImages(own))
        let matching = try imageTextMatchingLoss(
            model,
            MatchingBatch(
                texts: texts, images: features.seen, negativeTexts: negatives.texts.map { pairs.texts[$0] },
                negativeImages: model.see(negatives, own: own, seen: features.seen, foreign: foreign)),
            dropout?.matching, of: count)
        let itg = try imageGroundedGenerationLoss(
            model, texts, features.looked, dropout?.generation, smoothing: smoothing, of: targets)
        return PhaseOneLosses(itc: itc, matching: matching, itg: itg)
    }

    /// What the losses of these texts' targets are divided by.
    private var targets: Int {
        switch training.options.textMean {
        case .global: generationTargetCount(pairs.texts)
        case .processes:
            pass.group.count * generationTargetCount(Array(pairs.texts[pairs.owners[pass.group.index]]))
        }
    }

    private func similarities(_ features: Features, _ candidates: Candidates) throws -> Similarities {
        try Similarities(
            images: features.looked.vectors, texts: features.texts, to: candidates, own: own,
            temperature: model.temperature)
    }
}

/// The losses of a micro-batch, scalars with gradients.
struct PhaseOneLosses {
    let itc: Tensor
    let matching: MatchingResult
    let itg: Tensor

    var total: Tensor { get throws { try itc + matching.loss + itg } }
}

/// The losses of a process's micro-batches, added up.
struct PhaseOneFigures {
    private var (itc, itm, itg) = (0.0, 0.0, 0.0)
    private var correct = 0

    mutating func add(_ losses: PhaseOneLosses) throws {
        itc += Double(try losses.itc.detached().floats()[0])
        itm += Double(try losses.matching.loss.detached().floats()[0])
        itg += Double(try losses.itg.detached().floats()[0])
        correct += try losses.matching.correctCount()
    }

    /// The process's share of the step's losses, whose global batch has `count` pairs.
    func losses(sameImagePairs: Int, of count: Int) -> StepLosses {
        StepLosses(
            total: itc + itm + itg,
            terms: [
                "itc": itc, "itm": itm, "itg": itg, "itm_accuracy": Double(correct) / Double(3 * count),
                "same_image_pairs": Double(sameImagePairs),
            ])
    }
}
