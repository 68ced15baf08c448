/// Neighbouring steps of a curve, drawn as one: their mean and their range.
struct CurveBin: Equatable {
    /// The mean of the steps.
    let step: Double
    let mean: Double
    let range: ClosedRange<Double>
    /// The mean of this bin and its neighbours.
    var smooth = 0.0
}

/// A curve of at most so many bins, whatever the number of its steps.
struct CurveBins {
    let bins: [CurveBin]
    /// Whether bins hold several steps: then the range says what the mean hides.
    let isSummary: Bool
    /// The values that an axis should hold: single peaks may be cut off, or they press all else flat.
    let shown: ClosedRange<Double>?

    /// The curve through `points`, in the order of their steps; values that are no number are left out.
    init(_ points: [(step: Int, value: Double)], limit: Int) {
        let points = points.filter { $0.value.isFinite }
        guard let first = points.first?.step, let last = points.last?.step else {
            (bins, isSummary, shown) = ([], false, nil)
            return
        }
        isSummary = points.count > limit
        shown = Self.shown(points.map(\.value))
        let width = isSummary ? max(1, (last - first) / limit + 1) : 1
        var bins: [CurveBin] = []
        var start = points.startIndex
        while start < points.endIndex {
            let number = (points[start].step - first) / width
            let end = points[start...].firstIndex { ($0.step - first) / width != number } ?? points.endIndex
            bins.append(Self.bin(points[start..<end]))
            start = end
        }
        for (place, mean) in Self.smoothed(bins.map(\.mean)).enumerated() { bins[place].smooth = mean }
        self.bins = bins
    }

    private static func bin(_ points: ArraySlice<(step: Int, value: Double)>) -> CurveBin {
        let count = Double(points.count)
        let values = points.map(\.value)
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        return CurveBin(
            step: points.reduce(0) { $0 + Double($1.step) } / count,
            mean: min(high, max(low, values.reduce(0, +) / count)), range: low...high)
    }

    private static func shown(_ values: [Double]) -> ClosedRange<Double> {
        let sorted = values.sorted()
        guard values.count >= 200 else { return sorted[0]...sorted[sorted.count - 1] }
        let margin = sorted.count / 200
        let (low, high) = (sorted[margin], sorted[sorted.count - 1 - margin])
        let room = (high - low) * 0.1
        return max(sorted[0], low - room)...min(sorted[sorted.count - 1], high + room)
    }

    /// The mean of each value and its neighbours, about a twentieth of all.
    ///
    /// At the beginning, where a curve is steep, no more of those behind than of those before.
    static func smoothed(_ values: [Double]) -> [Double] {
        let reach = values.count / 40
        var sums = [0.0]
        for value in values { sums.append((sums.last ?? 0) + value) }
        return values.indices.map { place in
            let reach = min(reach, place)
            let window = place - reach..<min(values.count, place + reach + 1)
            return (sums[window.upperBound] - sums[window.lowerBound]) / Double(window.count)
        }
    }
}
