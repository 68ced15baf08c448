/// One axis of a chart: a range of values on a stretch of the picture.
struct ChartAxis {
    let values: ClosedRange<Double>
    /// Where the least and the greatest value are.
    let place: (least: Double, greatest: Double)

    /// An axis that holds all `values`; a range without extent is widened.
    init(_ values: [Double], from least: Double, to greatest: Double) {
        let (low, high) = (values.min() ?? 0, values.max() ?? 1)
        let margin = high > low ? 0 : max(abs(high) * 0.5, 1e-12)
        self.values = (low - margin)...(high + margin)
        place = (least, greatest)
    }

    func callAsFunction(_ value: Double) -> Double {
        let share = (value - values.lowerBound) / (values.upperBound - values.lowerBound)
        return place.least + share * (place.greatest - place.least)
    }

    /// About `count` round values of the range: multiples of 1, 2 or 5 times a power of ten.
    func ticks(about count: Int) -> [Double] {
        let rough = (values.upperBound - values.lowerBound) / Double(count)
        var power = 1.0
        while power > rough { power /= 10 }
        while power * 10 <= rough { power *= 10 }
        let step = power * ([1, 2, 5, 10].first { $0 * power >= rough * 0.999 } ?? 10)
        let first = (values.lowerBound / step).rounded(.up)
        let last = (values.upperBound / step).rounded(.down)
        guard first <= last else { return [] }
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }
}

/// Numbers as a chart shows them.
enum ChartText {
    /// A coordinate, to a tenth of a unit.
    static func coordinate(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return (tenths < 0 ? "-" : "") + "\(abs(tenths) / 10)" + (tenths % 10 == 0 ? "" : ".\(abs(tenths) % 10)")
    }

    /// A value in at most five significant digits: `12k`, `0.25`, `3e-05`.
    static func label(_ value: Double) -> String {
        let magnitude = abs(value)
        if value == 0 { return "0" }
        if magnitude >= 10_000, magnitude < 1e9 {
            let (scale, unit) = magnitude >= 1_000_000 ? (1_000_000.0, "M") : (1000.0, "k")
            return plain((value / scale * 100).rounded() / 100) + unit
        }
        guard magnitude >= 0.001, magnitude < 10_000 else {
            var (mantissa, exponent) = (value, 0)
            while abs(mantissa) >= 9.9995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
            while abs(mantissa) < 0.99995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
            return plain((mantissa * 100).rounded() / 100) + "e\(exponent)"
        }
        return plain((value * 10_000).rounded() / 10_000)
    }

    /// A value that is read off a curve, in about four significant digits.
    static func value(_ value: Double) -> String {
        let magnitude = abs(value)
        guard magnitude >= 0.1, magnitude < 1000 else { return label(value) }
        let scale = magnitude < 1 ? 10_000.0 : magnitude < 10 ? 1000 : magnitude < 100 ? 100 : 10
        return plain((value * scale).rounded() / scale)
    }

    private static func plain(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
}
