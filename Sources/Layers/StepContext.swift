import RandomNumbers

/// The step of a training that a forward pass belongs to: what it draws, such as dropout and negatives, is seeded here.
///
/// A sample is named by its number in the global batch, so what is drawn for it does not depend on how the batch is
/// divided among processes or micro-batches.
package struct StepContext: Sendable, Equatable {
    /// The seed of the run.
    package let seed: UInt64
    /// The number of the step, from 1.
    package let step: Int
    /// The numbers in the global batch, from 0, of the samples at hand, in their order.
    package let samples: Range<Int>

    package init(seed: UInt64, step: Int, samples: Range<Int>) {
        (self.seed, self.step, self.samples) = (seed, step, samples)
    }

    /// The same step, for the samples at the places `places` of those at hand.
    package func part(_ places: Range<Int>) -> StepContext {
        let first = samples.lowerBound
        precondition(places.upperBound <= samples.count, "\(places) of \(samples.count) samples")
        return StepContext(seed: seed, step: step, samples: first + places.lowerBound..<first + places.upperBound)
    }

    /// The key of the random numbers that the step draws for `purpose`, such as the name of a layer; `SplitMix64` is
    /// seeded with it.
    package func key(_ purpose: String) -> UInt64 {
        SplitMix64.mixed(nameHash(purpose, from: SplitMix64.number(step, from: seed)))
    }

    /// The keys for `purpose` of the samples at hand, in their order.
    package func keys(_ purpose: String) -> [UInt64] {
        let own = key(purpose)
        return samples.map { SplitMix64.number($0, from: own) }
    }
}
