/// The picture of a run: a chart for each loss beside what it is before anything is learned and the least it can be,
/// one for each accuracy beside its chance, and small ones for the learning rate and other figures.
package struct LossCurve {
    private static let width = 960.0
    /// The most bins of a curve: more than the picture has columns shows nothing more.
    private static let binLimit = 240

    private let title: String
    private let records: [RunRecord]
    private let expectations: LossExpectations

    /// The curves of `records`, in the order of their steps.
    package init(title: String, _ records: [RunRecord], expectations: LossExpectations = .none) {
        self.title = title
        self.records = records
        self.expectations = expectations
    }

    /// Draws the log at `path` into the file `picture`, which a reader sees whole or not at all.
    package static func write(
        log path: String, title: String, expectations: LossExpectations = .none, to picture: String
    ) throws(TrainingError) {
        try replace(picture, with: LossCurve(title: title, RunLog.read(path), expectations: expectations).svg())
    }

    /// The picture as a file of its own.
    package func svg() -> String {
        let (panels, height) = laidOut()
        let body =
            records.isEmpty
            ? [SVG.text(Self.width / 2, 100, "no step has been logged yet", "middle")] : panels.map { $0.svg() }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 \(ChartText.coordinate(height))" width="960" \
            height="\(ChartText.coordinate(height))" role="img" font-family="system-ui, sans-serif" font-size="11" \
            fill="#555">
            <title>\(SVG.escaped(title))</title>
            <style>\(Self.styles)</style>
            <rect width="960" height="\(ChartText.coordinate(height))" fill="#fff"/>
            \(([legend()] + body).joined(separator: "\n"))
            </svg>

            """
    }

    private static let styles: String = {
        let colors = [
            "loss": "#6a3d9a", "itc": "#1f77b4", "itm": "#c2571a", "itg": "#2a8a4a", "other": "#c2571a",
            "none": "#6b7280", "small": "#6b7280",
        ]
        let own = colors.sorted { $0.key < $1.key }.map { name, color in
            ".\(name){stroke:\(color)}.band.\(name),.dot.\(name){fill:\(color)}"
                + ".\(name)-t{fill:\(color);font-weight:600}"
        }
        return "path{fill:none;stroke-linejoin:round}.grid{stroke:#ececec}.base{stroke:#aaa}"
            + ".smooth{stroke-width:2}.raw{stroke-width:1;stroke-opacity:.35}"
            + ".band{fill-opacity:.15;stroke-opacity:0}.valid{stroke:#111;stroke-width:1.4}"
            + ".valid-t{fill:#111}.dot{stroke-width:0}.dot.valid{fill:#111}.ref{stroke:#888;stroke-dasharray:4 3}"
            + ".note{font-size:10px;fill:#666;stroke:#fff;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}"
            + ".name{font-size:13px;font-weight:600;fill:#222}.soft{fill:#8a8a8a}" + own.joined()
    }()

    /// All panels at their places, and the height of the picture.
    private func laidOut() -> (panels: [ChartPanel], height: Double) {
        let charts = CurveCharts(records, expectations, limit: Self.binLimit)
        var placed: [ChartPanel] = []
        var top = 66.0
        func place(_ panels: [ChartPanel], height: Double) {
            let inner = Self.width - 40
            let width = (inner - 28 * Double(panels.count - 1)) / Double(max(1, panels.count))
            for (column, panel) in panels.enumerated() {
                var panel = panel
                panel.frame = (20 + (width + 28) * Double(column), top, width, height)
                placed.append(panel)
            }
            top += panels.isEmpty ? 0 : height + 14
        }
        place(charts.total, height: charts.terms.isEmpty ? 320 : 220)
        for start in stride(from: 0, to: charts.terms.count, by: 2) {
            place(Array(charts.terms[start..<min(start + 2, charts.terms.count)]), height: 210)
        }
        for start in stride(from: 0, to: charts.figures.count, by: 4) {
            place(Array(charts.figures[start..<min(start + 4, charts.figures.count)]), height: 126)
        }
        return (placed, records.isEmpty ? 160 : top)
    }

    private func legend() -> String {
        let heading =
            "<text x=\"20\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"#222\">\(SVG.escaped(title))</text>"
        var entries = [("smooth loss", "training, smoothed"), ("raw loss", "training")]
        if records.count > Self.binLimit { entries.append(("band loss", "range of neighbouring steps")) }
        if records.contains(where: { $0.terms.keys.contains { $0.hasPrefix(CurveCharts.heldOut) } }) {
            entries.append(("valid", "held-out samples"))
        }
        if !expectations.losses.isEmpty { entries.append(("ref", "chance and floor")) }
        var x = 20.0
        let keys = entries.map { style, name in
            defer { x += 44 + 6 * Double(name.count) }
            let key =
                style.hasPrefix("band")
                ? SVG.path(style, [(x, 41), (x + 22, 41), (x + 22, 49), (x, 49)], isClosed: true)
                : SVG.line(style, x, 45, x + 22, 45)
            return key + SVG.text(x + 28, 49, name, "start")
        }
        return heading + keys.joined()
    }
}
