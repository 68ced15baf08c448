import RandomNumbers

/// Random numbers of a name, from a mix of seed and labels.
struct Chance {
    /// What numbers are drawn for, so that no two uses share a sequence.
    enum Purpose: UInt64 {
        case shardOrder, sampleOrder, caption, crop
    }

    private var numbers: SplitMix64

    init(seed: UInt64, _ purpose: Purpose, _ labels: UInt64...) {
        numbers = SplitMix64(seed: seed)
        for label in [purpose.rawValue] + labels {
            numbers = SplitMix64(seed: numbers.next() ^ SplitMix64.mixed(label &+ SplitMix64.increment))
        }
    }

    /// A number below `bound`.
    mutating func below(_ bound: Int) -> Int { numbers.below(bound) }

    /// The numbers below `count` in a random order.
    mutating func permutation(of count: Int) -> [Int] { numbers.shuffled(Array(0..<count)) }
}

/// Which of the `count` kept captions of the sample `key` are shown in `epoch`, at most `limit`: each as likely as the
/// others, none twice, and dependent on nothing but the arguments.
package func chosenCaptions(of count: Int, limit: Int, key: String, epoch: Int, seed: UInt64) -> [Int] {
    var chance = Chance(seed: seed, .caption, UInt64(epoch), nameHash(key))
    return Array(chance.permutation(of: count).prefix(limit))
}
