import Foundation

/// What a loss is before anything is learned, and how far it can fall.
package struct LossBounds: Sendable, Equatable {
    /// The value of a model that has learned nothing.
    package let chance: Double
    /// The least value that there is; label smoothing keeps it above 0.
    package let floor: Double

    package init(chance: Double, floor: Double = 0) { (self.chance, self.floor) = (chance, floor) }

    /// Of a cross-entropy over `classes` classes: a uniform guess costs the logarithm of their number, with label
    /// smoothing too, and nothing costs less than the entropy of the smoothed targets.
    ///
    /// With smoothing ε the true class has 1 - ε + ε/n of the target, each other one ε/n.
    package static func classification(of classes: Int, smoothing: Double = 0) -> LossBounds {
        precondition(classes > 0 && (0..<1).contains(smoothing), "at least one class, and a smoothing below 1")
        let (count, other) = (Double(classes), smoothing / Double(classes))
        func entropy(_ share: Double) -> Double { share > 0 ? -share * log(share) : 0 }
        return LossBounds(
            chance: log(count), floor: entropy(1 - smoothing + other) + (count - 1) * entropy(other))
    }

    /// How much of the way from the floor to chance is left at `value`: 1 is chance, 0 the floor.
    package func remainder(at value: Double) -> Double {
        chance > floor ? (value - floor) / (chance - floor) : 0
    }
}

/// The bounds of a run's losses, by the names they have in the log.
package struct LossExpectations: Sendable, Equatable {
    /// What a head of image-text matching costs that knows only that one row in three matches.
    package static let matchingByRatio = -(log(1.0 / 3) + 2 * log(2.0 / 3)) / 3
    /// The share of rows that such a head judges rightly: it always says that they do not match.
    package static let matchingChance = 2.0 / 3

    package let losses: [String: LossBounds]
    /// Pairs that each pair of a step is compared with, itself among them.
    package let candidates: Int
    package let vocabulary: Int

    /// Nothing is known of the losses.
    package static let none = LossExpectations(losses: [:], candidates: 0, vocabulary: 0)

    private init(losses: [String: LossBounds], candidates: Int, vocabulary: Int) {
        (self.losses, self.candidates, self.vocabulary) = (losses, candidates, vocabulary)
    }

    /// Of phase 1 with a global batch of `candidates` pairs: `itc`, `itm`, `itg` and their sum, `loss`.
    package static func phaseOne(
        candidates: Int, vocabulary: Int, contrastiveSmoothing: Double = 0.1, generationSmoothing: Double = 0.1
    ) -> LossExpectations {
        let itc = LossBounds.classification(of: candidates, smoothing: contrastiveSmoothing)
        let itm = LossBounds.classification(of: 2)
        let itg = LossBounds.classification(of: vocabulary, smoothing: generationSmoothing)
        let all = [itc, itm, itg]
        let sum = LossBounds(
            chance: all.reduce(0) { $0 + $1.chance }, floor: all.reduce(0) { $0 + $1.floor })
        return LossExpectations(
            losses: ["itc": itc, "itm": itm, "itg": itg, "loss": sum], candidates: candidates, vocabulary: vocabulary)
    }

    /// Of phase 2, whose language model has `vocabulary` words: `loss` alone.
    package static func phaseTwo(vocabulary: Int) -> LossExpectations {
        LossExpectations(
            losses: ["loss": .classification(of: vocabulary)], candidates: 0, vocabulary: vocabulary)
    }

    /// What each loss should be before anything is learned, and the least it can be, a line for each.
    package var lines: [String] {
        let why = [
            "itc": "ln of \(candidates) candidates",
            "itm": "ln 2; \(lossText(Self.matchingByRatio)) by the ratio alone",
            "itg": "ln of \(vocabulary) words",
        ]
        return ["itc", "itm", "itg"].compactMap { name in
            losses[name].map {
                "\(name) \(lossText($0.chance)) before anything is learned (\(why[name, default: ""])), "
                    + "at least \(lossText($0.floor))"
            }
        }
    }
}

/// A loss as people read it: three decimals, four below 1.
func lossText(_ value: Double) -> String {
    guard value.isFinite else { return "not a number" }
    return value == 0 ? "0" : String(format: abs(value) < 1 ? "%.4f" : "%.3f", value)
}
