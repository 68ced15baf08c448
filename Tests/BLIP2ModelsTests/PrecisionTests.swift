import BLIP2Models
import Layers
import Tensors
import TestSupport
import Testing

@Suite("Phase 1 in other precisions than float32")
struct PrecisionTests {
    private let golden = PhaseOneGolden(directory: Project.root + "/Tests/Goldens/blip2/even")

    /// The losses of one process's pairs, with dropout on, and the gradients.
    private func losses(_ dtype: DType) throws -> (values: [Float], gradients: [[Float]], types: Set<DType>) {
        let (pairs, texts, states) = (3, try golden.texts(), try golden.tensor("vision_encoder_out"))
        let parameters = try golden.parameters()
        var configuration = try golden.configuration()
        (configuration.qformer.hiddenDropout, configuration.qformer.attentionDropout) = (0.1, 0.1)
        let model = try PhaseOneModel(configuration, Weights(parameters))
        let dropout = StepDropout(configuration.qformer, StepContext(seed: 1, step: 1, samples: 0..<pairs))
        let own = Array(texts.prefix(pairs))
        let terms = try autocast(dtype, on: .cpu) {
            let seen = try model.see(states.narrowed(0, 0..<pairs))
            let looked = try model.look(seen, dropout.images)
            let read = try model.read(own, dropout.texts)
            let candidates = try Candidates(images: looked.vectors, texts: read, labels: [0, 1, 2])
            let similarities = try Similarities(
                images: looked.vectors, texts: read, to: candidates, own: 0..<pairs, temperature: model.temperature)
            let negatives = HardNegatives(images: [1, 2, 0], texts: [2, 0, 1])
            let batch = MatchingBatch(
                texts: own, images: seen, negativeTexts: negatives.texts.map { own[$0] },
                negativeImages: try model.see(negatives, own: 0..<pairs, seen: seen, foreign: nil))
            return [
                try imageTextContrastiveLoss(similarities, candidates, of: pairs),
                try imageTextMatchingLoss(model, batch, dropout.matching, of: pairs).loss,
                try imageGroundedGenerationLoss(
                    model, own, looked, dropout.generation, of: generationTargetCount(own)),
            ]
        }
        try (terms[0] + terms[1] + terms[2]).backward()
        return (
            try terms.flatMap { try $0.detached().floats() },
            try parameters.tensors.map { try $0.gradient().floats() },
            try Set(parameters.tensors.map { try $0.gradient().dtype })
        )
    }

    @Test("products in bfloat16 give nearly the same losses and gradients, which stay float32")
    func mixed() throws {
        let (exact, mixed) = (try losses(.float32), try losses(.bfloat16))
        #expect(mixed.types == [.float32])
        for (a, b) in zip(exact.values, mixed.values) { #expect(abs(a - b) <= 0.05 * abs(a) + 0.02) }
        func length(_ values: [Float]) -> Float { values.map { $0 * $0 }.reduce(0, +).squareRoot() }
        let (a, b) = (exact.gradients.flatMap(\.self), mixed.gradients.flatMap(\.self))
        #expect(length(zip(a, b).map { $0 - $1 }) <= 0.2 * length(a))
    }

    @Test(
        "a model for retrieval runs in the precisions of inference", arguments: [Precision.bfloat16, .float16, .int8])
    func inferencePrecisions(precision: Precision) throws {
        if let obstacle = precision.obstacle(on: .cpu) { try Test.cancel(Comment(rawValue: obstacle)) }
        let (pairs, checkpoint) = (try golden.pairs(), try golden.model())
        func scores(_ weights: Weights) throws -> (vectors: [Float], logits: [Float]) {
            let model = try PhaseOneModel(golden.configuration(), weights, for: .retrieval)
            return try inference {
                let seen = try model.see(golden.tensor("vision_encoder_out").narrowed(0, 0..<pairs))
                let texts = Array(try golden.texts().prefix(pairs))
                return (
                    try model.look(seen).vectors.floats() + model.read(texts).floats(),
                    try model.match(texts, [SeenGroup(seen)]).floats()
                )
            }
        }
        let exact = try scores(Weights(checkpoint, DType.float32, on: .cpu))
        let made = try scores(Weights(checkpoint, precision, on: .cpu).packed(rows: 64))
        #expect(distance(exact.vectors, made.vectors) <= 0.06)
        #expect(distance(exact.logits, made.logits) <= 0.1)
    }
}
