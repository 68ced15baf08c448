/// Random numbers of a name: the same seed and labels give the same numbers on every machine and by every compiler.
///
/// SplitMix64, started at a mix of seed and labels. The standard library's `shuffled` promises no order across versions.
struct Chance {
    /// What numbers are drawn for, so that no two uses share a sequence.
    enum Purpose: UInt64 {
        case shardOrder, sampleOrder, caption, crop
    }

    private static let increment: UInt64 = 0x9e37_79b9_7f4a_7c15
    private var state: UInt64

    init(seed: UInt64, _ purpose: Purpose, _ labels: UInt64...) {
        state = seed
        for label in [purpose.rawValue] + labels { state = next() ^ Self.mixed(label &+ Self.increment) }
    }

    /// A number below `bound`, each as likely as the others (to one part in 2^64 / `bound`).
    mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "no number is below \(bound)")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// The numbers below `count` in a random order.
    mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<count)
        for place in stride(from: count - 1, to: 0, by: -1) { order.swapAt(place, below(place + 1)) }
        return order
    }

    private mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mixed(state)
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Which of the `count` kept captions of the sample `key` are shown in `epoch`, at most `limit`: each as likely as the
/// others, none twice, and dependent on nothing but the arguments.
package func chosenCaptions(of count: Int, limit: Int, key: String, epoch: Int, seed: UInt64) -> [Int] {
    var chance = Chance(seed: seed, .caption, UInt64(epoch), nameHash(key))
    return Array(chance.permutation(of: count).prefix(limit))
}

/// FNV-1a of a sample's key.
func nameHash(_ key: String) -> UInt64 {
    key.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
