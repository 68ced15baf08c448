/// The picture of a run: loss over step, raw and smoothed, and the learning rate.
package struct LossCurve {
    private static let size = (width: 900.0, height: 420.0)
    private static let area = (left: 70.0, right: 822.0, top: 58.0, bottom: 360.0)
    /// The most points of a line: more than the picture has columns shows nothing more.
    private static let pointLimit = 2000

    private let title: String
    private let records: [RunRecord]

    /// The curve of `records`, in the order of their steps.
    package init(title: String, _ records: [RunRecord]) {
        self.title = title
        self.records = records
    }

    /// Draws the log at `path` into the file `picture`, which a reader sees whole or not at all.
    package static func write(log path: String, title: String, to picture: String) throws(TrainingError) {
        try replace(picture, with: LossCurve(title: title, RunLog.read(path)).svg())
    }

    /// The picture as a file of its own.
    package func svg() -> String {
        let losses = records.filter(\.loss.isFinite)
        let area = Self.area
        let steps = ChartAxis(records.map { Double($0.step) }, from: area.left, to: area.right)
        let loss = ChartAxis(Self.shown(losses.map(\.loss)), from: area.bottom, to: area.top)
        let top = records.map(\.learningRate).max() ?? 0
        let rate = ChartAxis([0, top > 0 ? top : 1], from: area.bottom, to: area.top)
        let smooth = Self.smoothed(losses.map(\.loss))
        let body = [
            grid(steps, loss), rightAxis(rate),
            path("rate", records.map { (steps(Double($0.step)), rate($0.learningRate)) }),
            path("raw", losses.map { (steps(Double($0.step)), loss($0.loss)) }),
            path("smooth", zip(losses, smooth).map { (steps(Double($0.step)), loss($1)) }),
            legend(last: smooth.last), records.isEmpty ? Self.text(446, 209, "no update was logged", "middle") : "",
        ]
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 420" width="900" height="420" role="img" \
            font-family="system-ui, sans-serif" font-size="12" fill="#444">
            <title>\(Self.escaped(title))</title>
            <style>path{fill:none;stroke-linejoin:round}.grid{stroke:#e6e6e6}.base{stroke:#999}\
            .raw{stroke:#9cc2e5;stroke-width:1}.smooth{stroke:#1f5f99;stroke-width:2}\
            .rate{stroke:#c77b30;stroke-width:1;stroke-dasharray:5 3}</style>
            <clipPath id="area"><rect x="\(area.left)" y="\(area.top - 1)" width="\(area.right - area.left)" \
            height="\(area.bottom - area.top + 2)"/></clipPath>
            <rect width="900" height="420" fill="#fff"/>
            \(body.filter { !$0.isEmpty }.joined(separator: "\n"))
            </svg>

            """
    }

    /// The losses that the axis must hold: single peaks of the first steps may be cut off, or they press all else flat.
    static func shown(_ losses: [Double]) -> [Double] {
        guard losses.count >= 200 else { return losses }
        let sorted = losses.sorted()
        let bound = sorted[sorted.count * 995 / 1000] * 1.05
        return losses.filter { $0 <= bound }
    }

    /// The mean of each value and its neighbours, about a fiftieth of the run, fewer at its two ends.
    static func smoothed(_ values: [Double]) -> [Double] {
        let reach = values.count / 100
        var sums = [0.0]
        for value in values { sums.append((sums.last ?? 0) + value) }
        return values.indices.map { place in
            let window = max(0, place - reach)..<min(values.count, place + reach + 1)
            return (sums[window.upperBound] - sums[window.lowerBound]) / Double(window.count)
        }
    }

    /// A line through at most `pointLimit` of `points`, the first and the last among them.
    private func path(_ style: String, _ points: [(x: Double, y: Double)]) -> String {
        guard let last = points.last else { return "" }
        let stride = (points.count + Self.pointLimit - 2) / (Self.pointLimit - 1)
        var chosen = Swift.stride(from: 0, to: points.count - 1, by: max(1, stride)).map { points[$0] }
        chosen.append(last)
        if chosen.count == 1 { chosen.append((last.x + 4, last.y)) }  // a run of one update is seen too
        let places = chosen.map { "\(ChartText.coordinate($0.x)) \(ChartText.coordinate($0.y))" }
        return "<path class=\"\(style)\" clip-path=\"url(#area)\" d=\"M\(places.joined(separator: "L"))\"/>"
    }

    private func grid(_ steps: ChartAxis, _ loss: ChartAxis) -> String {
        let area = Self.area
        let rows = records.isEmpty ? [] : loss.ticks(about: 6)
        let columns = records.isEmpty ? [] : steps.ticks(about: 8).filter { $0 == $0.rounded() }
        let lines = rows.map { value in
            Self.line("grid", area.left, loss(value), area.right, loss(value))
                + Self.text(area.left - 8, loss(value) + 4, ChartText.label(value), "end")
        }
        let marks = columns.map { value in
            Self.line("base", steps(value), area.bottom, steps(value), area.bottom + 5)
                + Self.text(steps(value), area.bottom + 20, ChartText.label(value), "middle")
        }
        let middle = (area.top + area.bottom) / 2
        return (lines + marks).joined() + Self.line("base", area.left, area.bottom, area.right, area.bottom)
            + Self.text((area.left + area.right) / 2, area.bottom + 44, "step", "middle")
            + "<text transform=\"translate(18 \(middle)) rotate(-90)\" text-anchor=\"middle\">loss</text>"
    }

    private func rightAxis(_ rate: ChartAxis) -> String {
        let area = Self.area
        let marks = (records.isEmpty ? [] : rate.ticks(about: 4)).map { value in
            Self.line("base", area.right, rate(value), area.right + 4, rate(value))
                + "<g fill=\"#a5621f\">"
                + Self.text(area.right + 8, rate(value) + 4, ChartText.label(value), "start") + "</g>"
        }
        let middle = (area.top + area.bottom) / 2
        return marks.joined()
            + "<text transform=\"translate(888 \(middle)) rotate(90)\" text-anchor=\"middle\" fill=\"#a5621f\">"
            + "learning rate</text>"
    }

    private func legend(last: Double?) -> String {
        let end = last.map { ", at the end \(ChartText.label($0))" } ?? ""
        let heading =
            "<text x=\"70\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"#222\">"
            + "\(Self.escaped(title))</text>"
        let entries = [("raw", "loss"), ("smooth", "loss, smoothed\(end)"), ("rate", "learning rate")]
        let places = [70.0, 140, 400]
        return heading
            + zip(entries, places).map { entry, x in
                Self.line(entry.0, x, 43, x + 24, 43) + Self.text(x + 30, 47, entry.1, "start")
            }.joined()
    }

    private static func line(
        _ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double
    ) -> String {
        let points = [x1, y1, x2, y2].map(ChartText.coordinate)
        return "<path class=\"\(style)\" d=\"M\(points[0]) \(points[1])L\(points[2]) \(points[3])\"/>"
    }

    private static func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String) -> String {
        "<text x=\"\(ChartText.coordinate(x))\" y=\"\(ChartText.coordinate(y))\" text-anchor=\"\(anchor)\">\(text)</text>"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
