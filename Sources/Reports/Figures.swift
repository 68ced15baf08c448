/// Numbers as people read them, the same in every locale.
package enum Figures {
    /// `1234567` as `1,234,567`.
    package static func grouped(_ count: Int) -> String {
        let digits = Array(String(count.magnitude))
        var text = count < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// `1 row`, `2 rows`.
    package static func counted(_ count: Int, _ noun: String) -> String {
        "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }

    /// `value` with `places` decimals, half away from zero; what is not finite is `–`.
    package static func fixed(_ value: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard abs(scaled) < 0x1p62 else { return "–" }  // also when it is not a number
        let whole = Int(scaled.magnitude)
        let sign = scaled < 0 ? "−" : ""
        guard places > 0 else { return sign + grouped(whole) }
        let fraction = String(whole % Int(scale))
        return sign + grouped(whole / Int(scale)) + "." + String(repeating: "0", count: places - fraction.count)
            + fraction
    }

    /// The share of `part` in `whole`: `12.5 %`; never `100 %` or `0 %` for what only rounds to it.
    static func percent(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "–" }
        let share = Double(part) / Double(whole) * 100
        if part == whole { return "100 %" }
        if part == 0 { return "0 %" }
        return fixed(min(99.9, max(0.1, share)), 1) + " %"
    }

    /// `1234567` as `1.2 MB`, in powers of a thousand.
    package static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["bytes", "kB", "MB", "GB", "TB"] {
            if abs(value) < 999.5 {
                return (unit == "bytes" ? grouped(count) : fixed(value, value < 99.95 ? 1 : 0)) + " " + unit
            }
            value /= 1000
        }
        return fixed(value, 1) + " PB"
    }

    /// A length of time in its two largest units: `3 h 05 min`.
    static func time(_ duration: Duration) -> String {
        let seconds = max(0, Int(duration.components.seconds))
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(two(seconds % 60)) s"
        case ..<86_400: return "\(seconds / 3600) h \(two(seconds % 3600 / 60)) min"
        default: return "\(seconds / 86_400) d \(two(seconds % 86_400 / 3600)) h"
        }
    }
}
