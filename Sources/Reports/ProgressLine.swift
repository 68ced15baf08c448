/// Progress in one line: a bar for a terminal, plain text for a file; a pure function of what it is told, clock included.
package struct ProgressLine: Sendable {
    /// Where a line is shown.
    package enum Style: Sendable {
        /// A terminal of so many cells: the line redraws itself.
        case bar(width: Int)
        /// A file or a pipe: the line stands for itself.
        case plain
    }

    private let label: String
    private let unit: String
    private let total: Int?
    private var latest: (time: Duration, done: Int) = (.zero, 0)
    /// What was done when, of the last minute, a second apart.
    private var history: [(time: Duration, done: Int)] = []

    /// Progress of `label`, counted in `unit`, such as `rows`; `total` is nil where it is not known.
    package init(label: String, unit: String, total: Int?) {
        self.label = CleanText.line(label, limit: 40)
        self.unit = unit
        self.total = total
    }

    /// Takes note that `done` are done at `time`, counted from any fixed moment; the first call is the start.
    ///
    /// The rate is that of the last minute, so what an earlier run had done does not count.
    package mutating func note(done: Int, at time: Duration) {
        latest = (time, done)
        if let last = history.last, time - last.time < .seconds(1) { return }
        history.append(latest)
        while history.count > 2, time - history[1].time >= .seconds(60) { history.removeFirst() }
    }

    /// The line as of the last note, without a line end; `failed` is how many of those done were left out; nil
    /// where nothing can be.
    package func text(failed: Int?, style: Style) -> String {
        let done = latest.done
        var parts = [
            total.map { "\(Figures.grouped(done))/\(Figures.grouped($0)) \(unit)" }
                ?? "\(Figures.grouped(done)) \(unit)"
        ]
        if let rate {
            parts.append("\(Figures.fixed(rate, rate < 10 ? 1 : 0))/s")
            if let total, rate > 0, done < total {
                parts.append("\(Figures.time(.seconds(Double(total - done) / rate))) left")
            }
        }
        if let failed { parts.append("\(Figures.grouped(failed)) failed") }
        let share = total.map { $0 > 0 ? min(1, Double(done) / Double($0)) : 1 }
        let percent = share.map { "\(Int($0 * 100)) %" }
        switch style {
        case .plain:
            return label + ": " + ([percent].compactMap(\.self) + parts).joined(separator: ", ")
        case .bar(let width):
            let text = ([percent].compactMap(\.self) + parts).joined(separator: "  ")
            let room = width - DisplayWidth.cells(label) - DisplayWidth.cells(text) - 4
            let bar = share.flatMap { room >= 10 ? Self.bar($0, cells: min(40, room)) : nil }
            return DisplayWidth.cut([label, bar, text].compactMap(\.self).joined(separator: "  "), to: width)
        }
    }

    /// How many a second over the last minute; nil until time has passed.
    private var rate: Double? {
        guard let first = history.first, latest.time > first.time else { return nil }
        return Double(latest.done - first.done) / ((latest.time - first.time) / .seconds(1))
    }

    /// A bar in eighths of a cell.
    private static func bar(_ share: Double, cells: Int) -> String {
        let eighths = Int((share * Double(cells * 8)).rounded(.down))
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        let full = String(repeating: "█", count: eighths / 8)
        return full + partial + String(repeating: "░", count: cells - eighths / 8 - (partial.isEmpty ? 0 : 1))
    }
}
