import BLIP2Models
import LanguageModels
import Layers
import Loading
import Tensors
import Training
import VisionLanguage

// Shape letters of this file: b own samples, S tokens of an image, E width of its states, Q queries, L width of the
// language model's embeddings.

/// A phase-2 model in training: gradients flow through a frozen language model into the queries, and in fine-tuning through
/// them into the image encoder.
///
/// The loss is a mean over the targets of the global batch, so it is the same however the batch is divided among processes
/// and micro-batches.
struct PhaseTwoTraining: TrainingModel {
    let model: PhaseTwoModel
    let parameters: Parameters
    let encoder: EncoderPart
    let language: FrozenPart<any LanguageModel>
    let texts: TextSource
    let options: PhaseTwoOptions
    let pixels: ModelPixels

    var frozen: [FrozenWeights] { encoder.frozen + [language.weights] }

    /// As in phase 1.
    func groups(decay: Double) -> [ParameterGroup] {
        parameters.groups(decay: decay, rateFactor: encoder.rateFactor) { name, shape in
            shape.count != 1 && !name.hasSuffix(".bias")
        }
    }

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        let texts = texts.texts(of: batch, pass.context)
        guard pass.isTraining else { return try heldOut(batch, texts, pass) }
        let count = try sum(texts.targets, pass)
        let parts = (0..<batch.count).divided(by: options.microBatches)
        var total = 0.0
        for (number, places) in parts.enumerated() {
            let dropout = StepDropout(model.configuration.vision.qformer, pass.context.part(places))
            let own = texts.part(places)
            let described = try model.describe(
                states(batch, places), instructions: own.instructions, dropout.images)
            let loss = try loss(described, own, of: count, pass)
            try pass.backward(loss, isLast: number == parts.count - 1)
            total += Double(try loss.detached().floats()[0])
        }
        return StepLosses(total: total)
    }

    /// The loss of `texts` behind what is said of their images, `[b, Q, L]`; nil of none.
    private func loss(
        _ queries: Tensor?, _ texts: StepTexts, of count: Double, _ pass: StepPass
    ) throws -> Tensor {
        let rows = try queries.map { queries in
            guard let images = texts.images, images != Array(0..<queries.shape[0]) else { return queries }
            return try queries.selecting(0, index(images))
        }
        return try pass.inOwnTypes { () throws(TorchError) in
            try languageModelLoss(language.model, rows, texts.samples, of: count)
        }
    }

    private func index(_ places: [Int]) throws -> Tensor {
        try Tensor(places, shape: [places.count]).to(.int64, on: pixels.device)
    }

    /// The loss with the right image; beside it, over the targets that all three have, that with the right image, with
    /// another's, and with none: what the queries tell shows in their differences.
    private func heldOut(
        _ batch: TrainingBatch, _ texts: StepTexts, _ pass: StepPass
    ) throws -> StepLosses {
        let states = try states(batch, 0..<batch.count)
        let shown = texts.behindFirstToken
        let (all, common) = (try sum(texts.targets, pass), try sum(shown.targets, pass))
        func loss(_ queries: Tensor?, _ texts: StepTexts, _ count: Double) throws -> Double {
            Double(try self.loss(queries, texts, of: count, pass).floats()[0])
        }
        let queries = try model.describe(states, instructions: texts.instructions)
        let others = try model.describe(
            states.selecting(0, index(otherImages(batch))), instructions: texts.instructions)
        return StepLosses(
            total: try loss(queries, texts, all),
            terms: [
                "right_image": try loss(queries, shown, common), "other_image": try loss(others, shown, common),
                "no_image": try loss(nil, shown, common),
            ])
    }

    /// For each sample the place of the next one with another image.
    private func otherImages(_ batch: TrainingBatch) -> [Int] {
        batch.digests.indices.map { place in
            (1..<max(2, batch.count)).lazy.map { (place + $0) % batch.count }
                .first { batch.digests[$0] != batch.digests[place] } ?? place
        }
    }

    /// What the losses of targets are divided by, of which this process has `own`: their sum over all processes, or, for a
    /// mean of the processes' means, the own sum times the number of processes.
    private func sum(_ own: Double, _ pass: StepPass) throws -> Double {
        guard options.textMean == .global else { return Double(pass.group.count) * own }
        let own = try Tensor([Float(own)], shape: [1]).to(.float32, on: pixels.device)
        try pass.group.sum([own])
        return Double(try own.floats()[0])
    }

    /// The states `[b, S, E]` of the images at the places `places` of `batch`.
    private func states(_ batch: TrainingBatch, _ places: Range<Int>) throws -> Tensor {
        try encoder(pixels(batch, places))
    }
}
