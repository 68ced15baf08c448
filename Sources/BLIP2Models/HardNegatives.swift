import Foundation
package import Layers
import RandomNumbers
import Tensors

/// The negatives of a process's own pairs: pairs of the global batch whose images differ from the pair's own.
package struct HardNegatives: Sendable, Equatable {
    /// For each own text, the candidate whose image does not belong to it.
    package let images: [Int]
    /// For each own image, the candidate whose text does not belong to it.
    package let texts: [Int]

    package init(images: [Int], texts: [Int]) {
        (self.images, self.texts) = (images, texts)
    }

    /// Draws one image and one text for each own pair, the more similar ones more often.
    ///
    /// The weights are the softmax of the similarities, as in LAVIS; pairs with the same image have none.
    ///
    /// `draws` are numbers of 0..<1, one for an image and one for a text for each own pair; `draws(_:)` makes them.
    ///
    /// Source: Li et al., "Align before Fuse", 2021, section 3.2; LAVIS `blip2_qformer.py`, `Blip2Qformer.forward`.
    package init(
        _ similarities: Similarities, _ candidates: Candidates, draws: [(image: Double, text: Double)]
    ) throws {
        let own = similarities.own
        precondition(draws.count == own.count, "one draw a pair")
        try candidates.requireNegatives(own)
        let weightsOfTexts = try negativeWeights(similarities.imageToText, candidates.labels, own)
        let weightsOfImages = try negativeWeights(similarities.textToImage, candidates.labels, own)
        images = zip(weightsOfImages, draws).map { Self.pick($0, $1.image) }
        texts = zip(weightsOfTexts, draws).map { Self.pick($0, $1.text) }
    }

    /// The draws of a step's samples: they depend on the step and on the sample's number in the global batch alone.
    package static func draws(_ context: StepContext) -> [(image: Double, text: Double)] {
        context.keys("hard negatives").map {
            (SplitMix64.number(0, from: $0).unitInterval, SplitMix64.number(1, from: $0).unitInterval)
        }
    }

    /// The index whose part of the sum of all weights `draw` falls into.
    private static func pick(_ weights: [Double], _ draw: Double) -> Int {
        let target = draw * weights.reduce(0, +)
        var sum = 0.0
        for (index, weight) in weights.enumerated() where weight > 0 {
            sum += weight
            if target < sum { return index }
        }
        // Rounding can leave the last bit of the sum over.
        return weights.lastIndex { $0 > 0 } ?? 0
    }
}

/// The softmax of each row of similarities `[B, N]` over the pairs whose images differ from the row's own; 0 elsewhere.
func negativeWeights(_ similarities: Tensor, _ labels: [Int], _ own: Range<Int>) throws -> [[Double]] {
    let values = try similarities.floats()
    return try own.enumerated().map { row, pair in
        let logits = labels.indices.map { candidate in
            labels[candidate] == labels[pair] ? -Double.infinity : Double(values[row * labels.count + candidate])
        }
        let top = logits.max() ?? 0
        guard top.isFinite, logits.allSatisfy({ !$0.isNaN }) else { throw PhaseOneError(code: .notFinite, pair: pair) }
        let weights = logits.map { exp($0 - top) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}
