import Foundation

/// The learning rate of each step: up in a straight line, then down along half a cosine.
///
/// Source: the BLIP-2 paper's pre-training schedule; Loshchilov and Hutter 2017.
package struct Schedule: Sendable, Equatable {
    /// How the rate falls, and from where it rises.
    package enum Course: Sendable, Equatable {
        /// The rate falls at every step. Step n of W steps of warm-up has n/W of the peak; without a warm-up the first step has
        /// the peak. The last step has the floor, unless it is the last of the warm-up, or the only one.
        case bySteps
        /// The rate falls between epochs of `stepsPerEpoch` steps, as in LAVIS. The first epoch is the warm-up: its first step
        /// has the rate `start`, and the peak comes after `warmUpSteps` more, if the epoch is that long.
        ///
        /// Source: LAVIS `common/optims.py`, `LinearWarmupCosineLRScheduler`.
        case byEpochs(stepsPerEpoch: Int, start: Double)
    }

    /// The highest rate.
    package var peak: Double
    /// The lowest rate, which the last step has; where the rate falls by epochs, an epoch after the last would have it.
    package var floor: Double
    package var warmUpSteps: Int
    package var steps: Int
    package var course: Course

    package init(peak: Double, floor: Double, warmUpSteps: Int, steps: Int, course: Course = .bySteps) {
        (self.peak, self.floor, self.warmUpSteps, self.steps) = (peak, floor, warmUpSteps, steps)
        self.course = course
    }

    /// The rate of step number `step`, from 1 to `steps`.
    package func rate(at step: Int) -> Double {
        switch course {
        case .bySteps:
            if step <= warmUpSteps { return peak * Double(step) / Double(warmUpSteps) }
            let top = max(1, warmUpSteps)  // the step that has the peak
            return fallen(Double(step - top) / Double(max(1, steps - top)))
        case .byEpochs(let stepsPerEpoch, let start):
            let (epoch, place) = (step - 1).quotientAndRemainder(dividingBy: stepsPerEpoch)
            guard epoch > 0 else {
                return min(peak, start + (peak - start) * Double(place) / Double(max(1, warmUpSteps)))
            }
            return fallen(Double(epoch) / Double((steps + stepsPerEpoch - 1) / stepsPerEpoch))
        }
    }

    /// The rate after `share` of the way down.
    private func fallen(_ share: Double) -> Double {
        floor + (peak - floor) * 0.5 * (1 + cos(.pi * min(1, share)))
    }
}
