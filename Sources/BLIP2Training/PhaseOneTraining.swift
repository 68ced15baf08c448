import BLIP2Models
import Layers
import Loading
import Tensors
import Training
import VisionLanguage

// Shape letters of this file: b own pairs, N pairs of the global batch, S tokens of an image, E width of its states, Q queries,
// J width of the joint space.

/// A phase-1 model in training.
///
/// A step computes the same losses and gradients however its global batch is divided among processes and micro-batches:
/// features of all pairs come first, from which candidates and hard negatives are known; then each micro-batch is computed
/// with gradients, against the same candidates and with the same dropout.
struct PhaseOneTraining: TrainingModel {
    let model: PhaseOneModel
    let parameters: Parameters
    let encoder: FrozenPart<ImageEncoder>
    let options: PhaseOneOptions
    let pixels: ModelPixels

    var frozen: [FrozenWeights] { [encoder.weights] }

    /// Everything decays but vectors and biases: matrices, the queries, the tables of embeddings, the temperature.
    ///
    /// Source: LAVIS `blip2.py`, `Blip2Base.get_optimizer_params`.
    func groups(decay: Double) -> [ParameterGroup] {
        parameters.groups(decay: decay) { name, shape in shape.count != 1 && !name.hasSuffix(".bias") }
    }

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        let pairs = try StepPairs(batch, pass.group)
        let own = pairs.owners[pass.group.index]
        precondition(pairs.texts.count == pass.batchSize && own == batch.numbers, "the batch is the processes' parts")
        let parts = own.divided(by: options.microBatches)
        // 1. What the frozen encoder makes of the images is computed once.
        let states = try parts.map { part in
            try encode(batch, part.lowerBound - own.lowerBound..<part.upperBound - own.lowerBound)
        }
        let whole = try states.count == 1 ? states[0] : concatenated(states, dimension: 0)
        // 2. Features of all pairs. Where there is one micro-batch, they are those that gradients are taken of.
        let works = zip(parts, states).map { PhaseOneWork(self, $0, $1, pairs, pass) }
        let features = try works.count == 1 ? [works[0].features()] : inference { try works.map { try $0.features() } }
        let candidates = try Candidates(
            images: pass.group.gathered(joined(features.map(\.looked.vectors))),
            texts: pass.group.gathered(joined(features.map(\.texts))), labels: pairs.labels)
        // 3. Hard negatives; of their images, those that are elsewhere are fetched.
        let negatives = try zip(works, features).map { try $0.negatives($1, candidates) }
        let others = try ImageStates(whole, own, wanted: negatives.flatMap(\.images), pairs, pass.group)
        // 4. Each micro-batch, with gradients.
        var sum = PhaseOneFigures()
        for (index, work) in works.enumerated() {
            let made = try works.count == 1 ? features[0] : work.features()
            let losses = try work.losses(made, candidates, negatives[index], others)
            try pass.backward(losses.total, isLast: index == works.count - 1)
            try sum.add(losses)
        }
        return sum.losses(
            sameImagePairs: candidates.sameImagePairs(own), of: pass.batchSize)
    }

    /// The tensors one behind the other, as constants that training may use.
    private func joined(_ tensors: [Tensor]) throws -> Tensor {
        try concatenated(tensors.map { try $0.detached() }, dimension: 0).copied()
    }

    /// The states `[b, S, E]` of the images at the places `places` of `batch`.
    func encode(_ batch: TrainingBatch, _ places: Range<Int>) throws -> Tensor {
        try encoder { encoder throws(TorchError) in try encoder(pixels(batch, places)) }
    }
}
