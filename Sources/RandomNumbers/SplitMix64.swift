/// Random numbers from a seed: the same on every machine and with every release of the standard library.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// What the state grows by from number to number.
    package static let increment: UInt64 = 0x9e37_79b9_7f4a_7c15

    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mixed(state)
    }

    /// A whole number from 0 up to, not including, `bound`, each as likely as the others (to one part in 2^64 / `bound`).
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "there is no number below \(bound)")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// `values` in a random order; the standard library's `shuffled` promises none across versions.
    package mutating func shuffled<Value>(_ values: [Value]) -> [Value] {
        var values = values
        for last in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(last, below(last + 1)) }
        return values
    }

    /// The number at `position` (from 0) of the numbers from `seed`, without those before it.
    package static func number(_ position: Int, from seed: UInt64) -> UInt64 {
        mixed(seed &+ UInt64(truncatingIfNeeded: position + 1) &* increment)
    }

    /// The finalizer: every bit of the input reaches every bit of the output.
    package static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}

extension UInt64 {
    /// The highest 53 bits as a number of 0..<1.
    package var unitInterval: Double { Double(self >> 11) * 0x1p-53 }
}

/// FNV-1a of a name: tells names apart, and is the same everywhere; its high bits want mixing.
package func nameHash(_ name: String, from start: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
    name.utf8.reduce(start) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
