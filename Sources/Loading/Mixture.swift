/// Which set each sample comes from, so that every set has its share in every stretch of the order.
///
/// Number k of a set with share w stands at the time (k + u) / w, where u of 0..<1 is drawn from the seed, set and k; the
/// order is that of the times. In any stretch a set has its share of samples, to one or two; a position far away is found
/// without walking there.
struct Mixture: Sendable {
    /// Of 1 in all.
    private let shares: [Double]
    private let seed: UInt64
    /// How many samples of a set stand together.
    let unit: Int

    init(shares: [Double], seed: UInt64, unit: Int) {
        let sum = shares.reduce(0, +)
        self.shares = shares.map { $0 / sum }
        self.seed = seed
        self.unit = unit
    }

    private func time(_ number: Int, of set: Int) -> Double {
        var chance = Chance(seed: seed, .mixture, set, number)
        return (Double(number) + chance.unit()) / shares[set]
    }

    /// The sets from a position on.
    struct Walk {
        private let mixture: Mixture
        /// Of each set, the number of its units before here.
        private var counts: [Int]
        private var times: [Double]
        /// The set of the unit that is being given, and what is left of it.
        private var current = (set: 0, left: 0)

        init(_ mixture: Mixture, from position: Int) {
            self.mixture = mixture
            let shares = mixture.shares
            // All units up to this time are among the first `unit`, because there are at most `shares.count` more than this.
            let unit = position / mixture.unit
            let start = Double(max(0, unit - 2 * shares.count))
            counts = shares.map { Int((start * $0).rounded(.down)) }
            times = []
            for set in shares.indices { times.append(mixture.time(counts[set], of: set)) }
            if shares.count == 1 { counts[0] = unit }
            while counts.reduce(0, +) < unit { startUnit() }
            current.left = 0
            let rest = position % mixture.unit
            if rest > 0 {
                startUnit()
                current.left -= rest
            }
        }

        /// The set of the next sample, and which of the set's samples it is.
        mutating func next() -> (set: Int, number: Int) {
            if current.left == 0 { startUnit() }
            defer { current.left -= 1 }
            return (current.set, counts[current.set] * mixture.unit - current.left)
        }

        private mutating func startUnit() {
            guard counts.count > 1 else {
                counts[0] += 1
                current = (0, mixture.unit)
                return
            }
            var first = 0
            for set in times.indices where times[set] < times[first] { first = set }
            counts[first] += 1
            times[first] = mixture.time(counts[first], of: first)
            current = (first, mixture.unit)
        }
    }
}
