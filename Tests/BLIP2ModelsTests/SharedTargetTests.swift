import Foundation
import Tensors
import Testing

@testable import BLIP2Models

@Suite("Pairs of one image in the contrastive loss")
struct SharedTargetTests {
    private let toText: [[Float]] = [[2, 1, 0.5, -1], [0.3, 1, 0.2, 0], [1, 2, 3, 0.5], [-1, 0.5, 0.25, 0.75]]
    private let toImage: [[Float]] = [[1, 0.5, 0, -0.5], [0.6, 1, 0, 0.3], [0.5, 2, 2.5, 1], [-1, 0.4, 0.3, 0.9]]
    private let labels = [0, 1, 1, 3]

    private func loss(sharing: Bool, _ own: Range<Int>) throws -> Double {
        let candidates = try Candidates(
            images: Tensor([Float](repeating: 0, count: 8), shape: [4, 1, 2]),
            texts: Tensor([Float](repeating: 0, count: 8), shape: [4, 2]), labels: labels)
        let similarities = Similarities(
            imageToText: try Tensor(own.flatMap { toText[$0] }, shape: [own.count, 4]),
            textToImage: try Tensor(own.flatMap { toImage[$0] }, shape: [own.count, 4]), own: own)
        let loss = try imageTextContrastiveLoss(
            similarities, candidates, smoothing: 0.1, sharesTargets: sharing, of: 4)
        return Double(try loss.floats()[0])
    }

    /// LAVIS `blip2_qformer.py`, `Blip2Qformer.forward` with `image_id`, written out.
    private func reference() -> Double {
        var sum = 0.0
        for matrix in [toText, toImage] {
            for (row, logits) in matrix.enumerated() {
                let values = logits.map { Double($0) }
                let whole = log(values.reduce(0) { $0 + exp($1) })
                let same = labels.filter { $0 == labels[row] }.count
                for (place, value) in values.enumerated() {
                    let target = (labels[place] == labels[row] ? 0.9 / Double(same) : 0) + 0.1 / 4
                    sum -= target * (value - whole)
                }
            }
        }
        return sum / 8
    }

    @Test("share the target evenly, smoothed over all candidates, as LAVIS's fine-tuning for retrieval does")
    func shared() throws {
        #expect(try abs(loss(sharing: true, 0..<4) - reference()) < 1e-6)
        #expect(try abs(loss(sharing: true, 0..<2) + loss(sharing: true, 2..<4) - reference()) < 1e-6)
    }

    @Test("are left out otherwise, which is another loss")
    func leftOut() throws {
        #expect(try abs(loss(sharing: false, 0..<4) - reference()) > 1e-2)
    }

    @Test("are never each other's negatives")
    func negatives() throws {
        let weights = try negativeWeights(Tensor(toText.flatMap(\.self), shape: [4, 4]), labels, 0..<4)
        #expect(weights[1][1] == 0 && weights[1][2] == 0 && weights[2][1] == 0 && weights[1][0] > 0)
    }
}
