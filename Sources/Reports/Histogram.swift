/// Counts of numbers in intervals of equal width; numbers beyond the ends go into the last intervals there.
struct Histogram: Sendable {
    private(set) var range: ClosedRange<Double>
    private(set) var counts: [Int]

    init(_ range: ClosedRange<Double>, bins: Int) {
        self.range = range
        counts = Array(repeating: 0, count: bins)
    }

    var total: Int { counts.reduce(0, +) }
    var binWidth: Double { (range.upperBound - range.lowerBound) / Double(counts.count) }

    mutating func add(_ value: Double) {
        guard value.isFinite else { return }
        // The small addition keeps 0.29 / 0.01 from falling into interval 28.
        let bin = ((value - range.lowerBound) / binWidth + 1e-9).rounded(.down)
        counts[Int(min(Double(counts.count - 1), max(0, bin)))] += 1
    }

    /// Doubles the range, which is even about 0: two intervals of an even number become one.
    mutating func widen() {
        let (half, old) = (counts.count / 2, counts)
        range = 2 * range.lowerBound...2 * range.upperBound
        counts = Array(repeating: 0, count: old.count)
        for (bin, count) in old.enumerated() { counts[half / 2 + bin / 2] += count }
    }

    /// The bin that the half of all numbers lies in, as its lower end; nil for none.
    var median: Double? {
        let half = (total + 1) / 2
        var seen = 0
        for (bin, count) in counts.enumerated() where count > 0 {
            seen += count
            if seen >= half { return range.lowerBound + Double(bin) * binWidth }
        }
        return nil
    }

    /// The intervals from the first to the last that hold anything.
    var occupied: Range<Int>? {
        guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }) else {
            return nil
        }
        return first..<last + 1
    }
}
