import Foundation

/// The learning rate of each step: up in a straight line, down along half a cosine.
///
/// Source: the BLIP-2 paper's pre-training schedule, by step; Loshchilov and Hutter 2017.
package struct Schedule: Sendable, Codable, Equatable {
    /// The highest rate, reached after `warmUpSteps`.
    package var peak: Double
    /// The rate of the last step.
    package var floor: Double
    package var warmUpSteps: Int
    package var steps: Int

    package init(peak: Double, floor: Double, warmUpSteps: Int, steps: Int) {
        (self.peak, self.floor, self.warmUpSteps, self.steps) = (peak, floor, warmUpSteps, steps)
    }

    /// The rate of step number `step`, from 1 to `steps`.
    package func rate(at step: Int) -> Double {
        if step <= warmUpSteps { return peak * Double(step) / Double(warmUpSteps) }
        let progress = Double(step - warmUpSteps) / Double(max(1, steps - warmUpSteps))
        return floor + (peak - floor) * 0.5 * (1 + cos(.pi * min(1, progress)))
    }
}
