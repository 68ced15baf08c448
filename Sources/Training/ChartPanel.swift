/// One chart among several of a picture: a curve over the steps, with what it is to be compared with.
struct ChartPanel {
    /// A value that curves are compared with.
    struct Reference {
        let name: String
        let value: Double
        /// Whether the name stands under its line; above it otherwise.
        var isBelow = false
    }

    /// Another curve in the chart.
    struct Companion {
        let name: String
        /// The class of its colour.
        let style: String
        let curve: CurveBins
    }

    /// A name as people read it, and what is said beside it.
    var title: String
    var detail = ""
    /// The class of the curve's colour.
    var style: String
    var curve: CurveBins
    /// The name of the curve where there are companions.
    var name = ""
    var companions: [Companion] = []
    var validation = CurveBins([], limit: 1)
    var references: [Reference] = []
    /// Values that the axis holds, whatever the curve does.
    var always: [Double] = []
    var isPercent = false
    var isSmall = false
    /// Whether the curve has no noise: it is drawn as it is.
    var isExact = false
    /// Whether the heading names the best value of the held-out samples.
    var showsBest = false
    var steps: ClosedRange<Double>
    /// The place of the whole panel, title and axis texts included.
    var frame: (x: Double, y: Double, width: Double, height: Double) = (0, 0, 0, 0)
    let number: Int

    private var area: (left: Double, right: Double, top: Double, bottom: Double) {
        (frame.x + 48, frame.x + frame.width, frame.y + 30, frame.y + frame.height - 34)
    }

    private var stepAxis: ChartAxis {
        ChartAxis([steps.lowerBound, steps.upperBound], from: area.left, to: area.right)
    }

    /// The axis of the values, and the references that lie on it: one that is far away would press the curve flat.
    var values: (axis: ChartAxis, references: [Reference]) {
        var held = always
        for shown in [curve.shown, validation.shown] + companions.map(\.curve.shown) {
            if let shown { held += [shown.lowerBound, shown.upperBound] }
        }
        let (low, high) = (held.min() ?? 0, held.max() ?? 1)
        let near = max(high - low, abs(high) * 0.02)
        let close = references.filter { ($0.value >= low - near) && ($0.value <= high + near / 2) }
        held += close.map(\.value)
        let axis = ChartAxis(held, from: area.bottom, to: area.top)
        let room = (axis.values.upperBound - axis.values.lowerBound) * 0.06
        let bottom = axis.values.lowerBound == 0 || isPercent ? 0 : close.contains(where: \.isBelow) ? 2 * room : room
        return (
            ChartAxis(
                [axis.values.lowerBound - bottom, axis.values.upperBound + room], from: area.bottom, to: area.top),
            close
        )
    }

    /// The panel as part of an SVG file.
    func svg() -> String {
        let (axis, shown) = values
        let clip = "clip-path=\"url(#p\(number))\""
        var parts = [
            "<clipPath id=\"p\(number)\"><rect x=\"\(ChartText.coordinate(area.left))\" "
                + "y=\"\(ChartText.coordinate(area.top - 2))\" "
                + "width=\"\(ChartText.coordinate(area.right - area.left + 3))\" "
                + "height=\"\(ChartText.coordinate(area.bottom - area.top + 4))\"/></clipPath>",
            heading(), grid(axis), band(axis, clip),
        ]
        parts += shown.map { reference in
            let y = axis(reference.value)
            return SVG.line("ref", area.left, y, area.right, y)
        }
        parts += [curves(axis, clip)]
        parts += shown.map { reference in
            let label = "\(reference.name) \(valueText(reference.value))"
            let y = axis(reference.value) + (reference.isBelow ? 11 : -4)
            return SVG.text(area.right - 2, min(y, area.bottom - 3), label, "end", style: "note")
        }
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func heading() -> String {
        let said =
            "<tspan class=\"name\">\(SVG.escaped(title))</tspan>"
            + (detail.isEmpty ? "" : "<tspan dx=\"6\" class=\"soft\">\(SVG.escaped(detail))</tspan>")
        var ends =
            (name.isEmpty ? "" : name + " ")
            + (curve.bins.last.map { valueText(isExact ? $0.mean : $0.smooth) } ?? "")
        for companion in companions {
            guard let last = companion.curve.bins.last else { continue }
            ends += "<tspan class=\"\(companion.style)-t\"> · \(companion.name) \(valueText(last.mean))</tspan>"
        }
        if let last = validation.bins.last {
            let best = showsBest ? validation.bins.min { $0.mean < $1.mean } : nil
            let note = best.map { ", best \(valueText($0.mean)) at \(ChartText.label($0.step.rounded()))" } ?? ""
            ends += "<tspan class=\"valid-t\"> · held out \(valueText(last.mean))\(note)</tspan>"
        }
        return "<text x=\"\(ChartText.coordinate(frame.x))\" y=\"\(ChartText.coordinate(frame.y + 12))\">\(said)</text>"
            + "<text x=\"\(ChartText.coordinate(area.right))\" y=\"\(ChartText.coordinate(frame.y + 12))\" "
            + "text-anchor=\"end\" class=\"\(style)-t\">\(ends)</text>"
    }

    private func valueText(_ value: Double) -> String {
        isPercent ? ChartText.label((value * 1000).rounded() / 10) + " %" : ChartText.value(value)
    }

    private func grid(_ axis: ChartAxis) -> String {
        let rows = axis.ticks(about: isSmall ? 4 : 5).map { value in
            SVG.line("grid", area.left, axis(value), area.right, axis(value))
                + SVG.text(
                    area.left - 6, axis(value) + 4, isPercent ? ChartText.label(value * 100) : ChartText.label(value),
                    "end")
        }
        let wide = frame.width > 600
        let columns = stepAxis.ticks(about: wide ? 10 : isSmall ? 3 : 5).filter { $0 == $0.rounded() }.map { step in
            SVG.line("base", stepAxis(step), area.bottom, stepAxis(step), area.bottom + 4)
                + SVG.text(stepAxis(step), area.bottom + 16, ChartText.label(step), "middle")
        }
        return (rows + columns).joined() + SVG.line("base", area.left, area.bottom, area.right, area.bottom)
            + SVG.text((area.left + area.right) / 2, area.bottom + 30, "step", "middle", style: "soft")
    }

    /// The range of the steps in each bin.
    private func band(_ axis: ChartAxis, _ clip: String) -> String {
        guard curve.isSummary, !isExact else { return "" }
        let upper = curve.bins.map { (stepAxis($0.step), axis($0.range.upperBound)) }
        let lower = curve.bins.reversed().map { (stepAxis($0.step), axis($0.range.lowerBound)) }
        return SVG.path("band \(style)", upper + lower, clip, isClosed: true)
    }

    private func curves(_ axis: ChartAxis, _ clip: String) -> String {
        let bins = curve.bins
        let lines = [
            bins.count < 40 || isExact
                ? "" : SVG.path("raw \(style)", bins.map { (stepAxis($0.step), axis($0.mean)) }, clip),
            SVG.path("smooth \(style)", bins.map { (stepAxis($0.step), axis(isExact ? $0.mean : $0.smooth)) }, clip),
            bins.count > 20 ? "" : SVG.dots("\(style)", bins.map { (stepAxis($0.step), axis($0.mean)) }, clip),
        ]
        let further = [("valid", validation)] + companions.map { ($0.style, $0.curve) }
        return lines.joined()
            + further.map { style, curve in
                let points = curve.bins.map { (stepAxis($0.step), axis($0.mean)) }
                return SVG.path(style, points, clip) + (points.count > 60 ? "" : SVG.dots(style, points, clip))
            }.joined()
    }
}
