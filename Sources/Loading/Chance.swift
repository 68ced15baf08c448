import RandomNumbers

/// Random numbers of a name, from a mix of seed and labels.
struct Chance {
    /// What numbers are drawn for, so that no two uses share a sequence.
    enum Purpose: UInt64 {
        case shardOrder, sampleOrder, caption, crop, flip, randAugment, mixture
    }

    private var numbers: SplitMix64

    init(seed: UInt64, _ purpose: Purpose, _ labels: Int...) {
        numbers = SplitMix64(seed: seed)
        for label in [purpose.rawValue] + labels.map({ UInt64(truncatingIfNeeded: $0) }) {
            numbers = SplitMix64(seed: numbers.next() ^ SplitMix64.mixed(label &+ SplitMix64.increment))
        }
    }

    /// A number below `bound`.
    mutating func below(_ bound: Int) -> Int { numbers.below(bound) }

    /// A number of 0..<1.
    mutating func unit() -> Double { numbers.next().unitInterval }

    /// A number from the lower to the upper bound of `range`.
    mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// Heads or tails.
    mutating func coin() -> Bool { numbers.next() >> 63 == 1 }

    /// The numbers below `count` in a random order.
    mutating func permutation(of count: Int) -> [Int] { numbers.shuffled(Array(0..<count)) }
}
