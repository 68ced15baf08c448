/// A SplitMix64 stream whose draws are the same on every machine and with every release of the standard library.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
package struct DemoRandom: Sendable {
    private var state: UInt64

    /// The stream number `stream` of `seed`; streams of one seed are unrelated.
    package init(seed: UInt64, stream: UInt64 = 0) {
        state = Self.mixed(seed) ^ Self.mixed(Self.mixed(stream &+ 0x9E37_79B9_7F4A_7C15))
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// A whole number from 0 up to, not including, `bound`.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "there is no number below \(bound)")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number of `range`, evenly.
    mutating func number(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * Double(next() >> 11) / 0x1p53
    }

    /// One of `choices`, which is not empty.
    mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[below(choices.count)]
    }

    /// `values` in a random order.
    mutating func shuffled<Value>(_ values: [Value]) -> [Value] {
        var values = values
        for last in stride(from: values.count - 1, to: 0, by: -1) {
            values.swapAt(last, below(last + 1))
        }
        return values
    }

    /// The finalizer of SplitMix64: every bit of the input reaches every bit of the output.
    static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
