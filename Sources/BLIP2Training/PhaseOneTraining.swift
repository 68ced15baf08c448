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
/// with gradients, against the same candidates and with the same dropout. Where the image encoder is trained too, the gradients
/// of its states come from all of them, and go through the encoder last.
struct PhaseOneTraining: TrainingModel {
    let model: PhaseOneModel
    let parameters: Parameters
    let encoder: EncoderPart
    let options: PhaseOneOptions
    let pixels: ModelPixels

    var frozen: [FrozenWeights] { encoder.frozen }

    /// Everything decays but vectors and biases: matrices, the queries, the tables of embeddings, the temperature.
    ///
    /// Source: LAVIS `blip2.py`, `Blip2Base.get_optimizer_params`.
    func groups(decay: Double) -> [ParameterGroup] {
        parameters.groups(decay: decay, rateFactor: encoder.rateFactor) { name, shape in
            shape.count != 1 && !name.hasSuffix(".bias")
        }
    }

    func losses(of batch: TrainingBatch, _ pass: StepPass) throws -> StepLosses {
        let pairs = try StepPairs(batch, pass.group)
        let own = pairs.owners[pass.group.index]
        precondition(pairs.texts.count == pass.batchSize && own == batch.numbers, "the batch is the processes' parts")
        let parts = own.divided(by: options.microBatches)
        // 1. What the encoder makes of the images is computed once; of one that is trained, without gradients first.
        let encoded = try EncodedImages(self, batch, parts, isTrained: encoder.isTrained && pass.isTraining)
        // 2. Features of all pairs. Where there is one micro-batch, they are those that gradients are taken of.
        let works = try zip(parts, encoded.parts()).map { PhaseOneWork(self, $0, $1, pairs, pass) }
        let features = try works.count == 1 ? [works[0].features()] : inference { try works.map { try $0.features() } }
        let candidates = try Candidates(
            images: pass.group.gathered(joined(features.map(\.looked.vectors))),
            texts: pass.group.gathered(joined(features.map(\.texts))), labels: pairs.labels)
        // 3. Hard negatives; of their images, those that are elsewhere are fetched.
        let negatives = try zip(works, features).map { try $0.negatives($1, candidates) }
        let others = try ImageStates(
            encoded.whole, own, wanted: negatives.flatMap(\.images), pairs, pass.group,
            isTrained: encoded.isTrained)
        // 4. Each micro-batch, with gradients.
        var sum = PhaseOneFigures()
        for (index, work) in works.enumerated() {
            let made = try works.count == 1 ? features[0] : work.features()
            let losses = try work.losses(made, candidates, negatives[index], others)
            try pass.backward(losses.total, isLast: !encoded.isTrained && index == works.count - 1)
            try sum.add(losses)
        }
        // 5. Through the encoder, with what the losses of all processes say of these images' states.
        if encoded.isTrained { try encoded.backward(others.gradient(pass.group), pass) }
        return sum.losses(
            sameImagePairs: candidates.sameImagePairs(own), of: pass.batchSize)
    }

    /// The tensors one behind the other, as constants that training may use.
    private func joined(_ tensors: [Tensor]) throws -> Tensor {
        try concatenated(tensors.map { try $0.detached() }, dimension: 0).copied()
    }

    /// The states `[b, S, E]` of the images at the places `places` of `batch`.
    func encode(_ batch: TrainingBatch, _ places: Range<Int>) throws -> Tensor {
        try encoder(pixels(batch, places))
    }
}
