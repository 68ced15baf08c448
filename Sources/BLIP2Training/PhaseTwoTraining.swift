import BLIP2Models
import LanguageModels
import Layers
import Loading
import Tensors
import Training
import VisionLanguage

// Shape letters of this file: b own samples, S tokens of an image, E width of its states, Q queries, L width of the
// language model's embeddings.

/// A phase-2 model in training: gradients flow through a frozen language model into the queries.
///
/// The loss is a mean over the targets of the global batch, so it is the same however the batch is divided among processes
/// and micro-batches.
struct PhaseTwoTraining: TrainingModel {
    let model: PhaseTwoModel
    let parameters: Parameters
    let encoder: FrozenPart<ImageEncoder>
    let language: FrozenPart<any LanguageModel>
    let samples: CaptionSamples
    let options: PhaseTwoOptions
    let pixels: ModelPixels

    var frozen: [FrozenWeights] { [encoder.weights, language.weights] }

    /// As in phase 1.
    func groups(decay: Double) -> [ParameterGroup] {
        parameters.groups(decay: decay) { name, shape in shape.count != 1 && !name.hasSuffix(".bias") }
    }

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        let keys = pass.context.keys("prefix of a caption")
        let texts = zip(batch.tokens, keys).map { samples.sample($0[0], key: $1) }
        guard pass.isTraining else { return try heldOut(batch, texts, pass) }
        let count = try sum(texts.map(\.targetCount), pass)
        let parts = (0..<batch.count).divided(by: options.microBatches)
        var total = 0.0
        for (number, places) in parts.enumerated() {
            let dropout = StepDropout(model.configuration.vision.qformer, pass.context.part(places))
            let queries = try model.describe(states(batch, places), dropout.images)
            let loss = try pass.inOwnTypes { () throws(TorchError) in
                try languageModelLoss(language.model, queries, Array(texts[places]), of: count)
            }
            try pass.backward(loss, isLast: number == parts.count - 1)
            total += Double(try loss.detached().floats()[0])
        }
        return StepLosses(total: total)
    }

    /// The loss with the right image; beside it, over the targets that all three have, that with the right image, with
    /// another's, and with none: what the queries tell shows in their differences.
    private func heldOut(
        _ batch: TrainingBatch, _ texts: [LanguageSample], _ pass: StepPass
    ) throws -> StepLosses {
        let queries = try model.describe(states(batch, 0..<batch.count))
        let shown = texts.map(\.behindFirstToken)
        let (all, common) = (
            try sum(texts.map(\.targetCount), pass), try sum(shown.map(\.targetCount), pass)
        )
        func loss(_ queries: Tensor?, _ texts: [LanguageSample], _ count: Double) throws -> Double {
            let loss = try pass.inOwnTypes { () throws(TorchError) in
                try languageModelLoss(language.model, queries, texts, of: count)
            }
            return Double(try loss.floats()[0])
        }
        let others = try queries.selecting(0, otherImages(batch))
        return StepLosses(
            total: try loss(queries, texts, all),
            terms: [
                "right_image": try loss(queries, shown, common), "other_image": try loss(others, shown, common),
                "no_image": try loss(nil, shown, common),
            ])
    }

    /// For each sample the place of the next one with another image.
    private func otherImages(_ batch: TrainingBatch) throws -> Tensor {
        let places = batch.digests.indices.map { place in
            (1..<max(2, batch.count)).lazy.map { (place + $0) % batch.count }
                .first { batch.digests[$0] != batch.digests[place] } ?? place
        }
        return try Tensor(places, shape: [places.count]).to(.int64, on: pixels.device)
    }

    /// What the losses of targets are divided by, of which this process has `counts`: their sum over all processes, or, for a
    /// mean of the processes' means, the own sum times the number of processes.
    private func sum(_ counts: [Int], _ pass: StepPass) throws -> Double {
        guard options.textMean == .global else { return Double(pass.group.count * counts.reduce(0, +)) }
        let own = try Tensor([Float(counts.reduce(0, +))], shape: [1]).to(.float32, on: pixels.device)
        try pass.group.sum([own])
        return Double(try own.floats()[0])
    }

    /// The states `[b, S, E]` of the images at the places `places` of `batch`.
    private func states(_ batch: TrainingBatch, _ places: Range<Int>) throws -> Tensor {
        try encoder { encoder throws(TorchError) in try encoder(pixels(batch, places)) }
    }
}
