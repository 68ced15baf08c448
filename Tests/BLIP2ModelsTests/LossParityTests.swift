import Foundation
import Layers
import Tensors
import TestSupport
import Testing

@testable import BLIP2Models

@Suite("Phase 1's objectives, against transformers and PyTorch")
struct LossParityTests {
    /// One step of `processes` processes, each with the pairs of a golden's process, in one.
    private struct Step {
        let golden: PhaseOneGolden
        let model: PhaseOneModel
        let texts: [[Int]]
        let states: Tensor
        let pairs: Int
        let processes: Int
        /// The largest difference from any of the golden's values.
        var worst: [String: Float] = [:]

        init(_ golden: PhaseOneGolden, _ model: PhaseOneModel, processes: Int) throws {
            (self.golden, self.model, self.processes) = (golden, model, processes)
            pairs = try golden.pairs()
            texts = Array(try golden.texts().prefix(processes * pairs))
            states = try golden.tensor("vision_encoder_out").narrowed(0, 0..<processes * pairs)
        }

        /// The loss of all processes; with `meanOfMeans`, generation is averaged as LAVIS does.
        mutating func loss(meanOfMeans: Bool) throws -> Tensor {
            let parts = (0..<processes).map { $0 * pairs..<($0 + 1) * pairs }
            let seen = try parts.map { try model.see(states.narrowed(0, $0)) }
            let looked = try seen.map { try model.look($0) }
            let read = try parts.map { try model.read(Array(texts[$0])) }
            let candidates = try Candidates(
                images: concatenated(looked.map(\.vectors), dimension: 0), texts: concatenated(read, dimension: 0),
                labels: Array(texts.indices))
            let targets = generationTargetCount(texts)
            var total: Tensor?
            for (rank, own) in parts.enumerated() {
                let name = "w\(processes).r\(rank)."
                let similarities = try Similarities(
                    images: looked[rank].vectors, texts: read[rank], to: candidates, own: own,
                    temperature: model.temperature)
                try compare("similarities", similarities.imageToText, name + "i2t")
                try compare("similarities", similarities.textToImage, name + "t2i")
                let itc = try imageTextContrastiveLoss(similarities, candidates, of: texts.count)
                try compare("itc", itc * Double(processes), name + "itc")
                let negatives = HardNegatives(
                    images: try golden.tensor(name + "neg_img").integers(),
                    texts: try golden.tensor(name + "neg_txt").integers())
                let foreign = try negatives.foreignImages(own).map { try states.narrowed(0, $0..<$0 + 1) }
                let batch = MatchingBatch(
                    texts: Array(texts[own]), images: seen[rank], negativeTexts: negatives.texts.map { texts[$0] },
                    negativeImages: try model.see(
                        negatives, own: own, seen: seen[rank],
                        foreign: foreign.isEmpty ? nil : concatenated(foreign, dimension: 0)))
                let itm = try imageTextMatchingLoss(model, batch, nil, of: texts.count)
                try compare("itm", itm.loss * Double(processes), name + "itm")
                // The golden has all pairs first, then their texts with other images, then their images with other texts.
                let order = [0, 2, 1].flatMap { row in
                    (0..<pairs).map { pair in
                        matchingOrder(pairs).firstIndex { $0.pair == pair && $0.row == row } ?? -1
                    }
                }
                let index = try Tensor(order, shape: [order.count])
                try compare("itm logits", itm.logits.selecting(0, index), name + "itm_logits")
                let ownTargets = generationTargetCount(Array(texts[own]))
                let count = meanOfMeans ? processes * ownTargets : targets
                let itg = try imageGroundedGenerationLoss(
                    model, Array(texts[own]), looked[rank], nil, of: count)
                try compare("itg", itg * (Double(count) / Double(ownTargets)), name + "itg")
                let sum = try itc + itm.loss + itg
                total = try total.map { try $0 + sum } ?? sum
            }
            return try #require(total)
        }

        private mutating func compare(_ what: String, _ made: Tensor, _ name: String) throws {
            let made = try made.detached().floats()
            let distance = distance(made, try golden.floats(name))
            worst[what] = max(worst[what] ?? 0, distance.isNaN ? .infinity : distance)
        }
    }

    @Test(
        "ITC, ITM and ITG are equal within 1e-5, the gradients of every parameter within 1e-4",
        arguments: PhaseOneGolden.all, [1, 2])
    func parity(golden: PhaseOneGolden, processes: Int) throws {
        for mark in ["", "global."] {
            // With one process both means are one.
            if processes == 1, try golden.golden().shape(of: "w1.\(mark)mean_loss") == nil { continue }
            let parameters = try golden.parameters()
            let model = try PhaseOneModel(golden.configuration(), Weights(parameters))
            var step = try Step(golden, model, processes: processes)
            let loss = try step.loss(meanOfMeans: mark.isEmpty)
            for (what, distance) in step.worst.sorted(by: { $0.key < $1.key }) {
                let limit: Float = ["itc", "itm", "itg"].contains(what) ? 1e-5 : 1e-4
                #expect(distance <= limit, "\(what), \(mark)")
            }
            let name = "w\(processes).\(mark)"
            let total = try distance(loss.detached().floats(), golden.floats(name + "mean_loss"))
            #expect(total <= 1e-5, "\(name)")
            try loss.backward()
            let worst = try golden.worstGradient(parameters, name + "grad.")
            #expect(worst.distance <= 1e-4, "\(name)\(worst.name)")
            if ProcessInfo.processInfo.environment["PARITY_FIGURES"] != nil {
                FileHandle.standardError.write(
                    Data("\(golden.testDescription) \(name) \(step.worst) loss \(total) gradient \(worst)\n".utf8))
            }
        }
    }

    @Test("the weights of hard negatives are the reference's", arguments: PhaseOneGolden.all)
    func weights(golden: PhaseOneGolden) throws {
        let (pairs, count) = (try golden.pairs(), try golden.texts().count)
        for process in 0..<count / pairs {
            let own = process * pairs..<(process + 1) * pairs
            for (similarities, weights) in [("i2t", "w_i2t"), ("t2i", "w_t2i")] {
                let name = "w\(count / pairs).r\(process)."
                let made = try negativeWeights(golden.tensor(name + similarities), Array(0..<count), own)
                #expect(try distance(made.flatMap { $0.map(Float.init) }, golden.floats(name + weights)) <= 1e-5)
            }
        }
    }

    @Test("transformers' own similarities and matching logits", arguments: PhaseOneGolden.all)
    func library(golden: PhaseOneGolden) throws {
        let (pairs, texts) = (try golden.pairs(), try golden.texts())
        let model = try PhaseOneModel(
            golden.configuration(), Weights(golden.model(), DType.float32, on: .cpu).packed(rows: 64), for: .retrieval)
        let states = try golden.tensor("vision_encoder_out").narrowed(0, 0..<pairs)
        let own = Array(texts.prefix(pairs))
        try inference {
            let seen = try model.see(states)
            let looked = try model.look(seen)
            #expect(try distance(looked.states.floats(), golden.floats("ref.query_out")) <= 1e-4)
            let vectors = looked.vectors
            let joint = vectors.shape[2]
            let byQuery = try vectors.reshaped([pairs * vectors.shape[1], joint])
                .times(model.read(own).permuted([1, 0])).reshaped([pairs, vectors.shape[1], pairs])
            let likeness = try byQuery.permuted([0, 2, 1]).maximum()
            #expect(try distance(likeness.floats(), golden.floats("hf.itc_sim")) <= 1e-5)
            let logits = try model.match(own, [SeenGroup(seen)])
            #expect(try distance(logits.floats(), golden.floats("hf.itm_logits")) <= 1e-4)
        }
    }
}
