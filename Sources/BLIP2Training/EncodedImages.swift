import Loading
import Tensors
import Training

// Shape letters of this file: b own pairs, S tokens of an image, E width of its states.

/// The image encoder's states of a process's images in a step of phase 1.
///
/// The losses of a trained encoder's states are those of a constant that has a gradient: it collects what all micro-batches and
/// processes say. Then each micro-batch goes through the encoder with its part of it; where there are several, the encoder
/// computes them twice, and keeps what it needs for one of them at a time.
///
/// Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021.
struct EncodedImages {
    /// All states, `[b, S, E]`.
    let whole: Tensor
    /// Whether gradients are taken of the encoder.
    let isTrained: Bool
    private let ranges: [Range<Int>]
    private let training: PhaseOneTraining
    private let batch: TrainingBatch
    /// The only micro-batch as the encoder made it.
    private let only: Tensor?

    /// The states of `batch`, whose pairs `parts` of the global batch are the micro-batches.
    init(
        _ training: PhaseOneTraining, _ batch: TrainingBatch, _ parts: [Range<Int>], isTrained: Bool
    ) throws {
        let first = parts.first?.lowerBound ?? 0
        let ranges = parts.map { $0.lowerBound - first..<$0.upperBound - first }
        (self.training, self.batch, self.ranges, self.isTrained) = (training, batch, ranges, isTrained)
        func states() throws -> Tensor {
            let states = try ranges.map { try training.encode(batch, $0) }
            return try states.count == 1 ? states[0] : concatenated(states, dimension: 0)
        }
        guard isTrained else {
            (whole, only) = (try states(), nil)
            return
        }
        let made = try parts.count == 1 ? states() : inference { try states() }
        (whole, only) = (try made.parameter(), parts.count == 1 ? made : nil)
    }

    /// The states of each micro-batch.
    func parts() throws -> [Tensor] {
        guard ranges.count > 1 else { return [whole] }
        return try ranges.map { try whole.narrowed(0, $0) }
    }

    /// Takes the encoder's gradients, of which `others` are those of the states that other processes had: `places` among the
    /// own ones, and the gradients of these.
    func backward(_ others: [(places: [Int], gradient: Tensor)], _ pass: StepPass) throws {
        for (places, gradient) in others where !places.isEmpty {
            try pass.backward(whole.rows(places), gradient: gradient, isLast: false)
        }
        let gradient = try whole.gradient()
        for (number, range) in ranges.enumerated() {
            try pass.backward(
                only ?? training.encode(batch, range), gradient: gradient.narrowed(0, range),
                isLast: number == ranges.count - 1)
        }
    }
}
