import RandomNumbers

/// Many streams of random numbers from one seed.
package struct DemoRandom: Sendable {
    private var numbers: SplitMix64

    /// The stream number `stream` of `seed`; streams of one seed are unrelated.
    package init(seed: UInt64, stream: UInt64 = 0) {
        let start = SplitMix64.mixed(seed)
        numbers = SplitMix64(
            seed: start ^ SplitMix64.mixed(SplitMix64.mixed(stream &+ SplitMix64.increment)))
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 { numbers.next() }

    /// A whole number from 0 up to, not including, `bound`.
    package mutating func below(_ bound: Int) -> Int { numbers.below(bound) }

    /// A number of `range`, evenly.
    mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * next().unitInterval
    }

    /// One of `choices`, which is not empty.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[below(choices.count)]
    }

    /// `values` in a random order.
    mutating func shuffled<Value>(_ values: [Value]) -> [Value] { numbers.shuffled(values) }
}
