/// Charts as inline SVG.
struct Chart {
    /// One of the histograms that a chart lays over each other.
    struct Series {
        /// The name in the legend and the class that the style sheet colours.
        let name: String, style: String
        let histogram: Histogram
        let isFilled: Bool
    }

    let series: [Series]
    /// How many intervals of the histograms make one bar.
    let group: Int
    /// Which bars are drawn.
    let bars: Range<Int>
    /// The text under a bar's left edge; nil for none.
    let label: (Int) -> String?

    private static let size = (width: 640.0, height: 200.0)

    /// The chart with its legend; each series is drawn to its own share of 100 %.
    func svg(title: String) -> String {
        let shares = series.map { self.shares(of: $0.histogram) }
        let tallest = max(0.000_001, shares.joined().max() ?? 0)
        let step = Self.size.width / Double(max(1, bars.count))
        let marks = zip(series, shares).map { series, shares in
            let heights = shares.map { $0 / tallest * (Self.size.height - 8) }
            return series.isFilled ? Self.columns(series, shares, heights, step) : Self.steps(series, heights, step)
        }
        let labels = bars.enumerated().compactMap { place, bar -> String? in
            label(bar).map { text in
                let x = Self.text(Double(place) * step)
                return "<line class=\"tick\" x1=\"\(x)\" x2=\"\(x)\" y1=\"200\" y2=\"205\"/>"
                    + "<text x=\"\(x)\" y=\"222\">\(text)</text>"
            }
        }
        let legend = series.map { series in
            "<span class=\"\(series.style)\"><i></i>\(series.name) <small>\(Figures.grouped(series.histogram.total))</small></span>"
        }
        return """
            <figure class="chart"><figcaption>\(title)</figcaption>
            <svg viewBox="-12 0 664 228" role="img" aria-label="\(title)">\(marks.joined())\
            <line class="base" x1="0" x2="640" y1="200" y2="200"/>\(labels.joined())</svg>
            <p class="legend">\(legend.joined(separator: " "))</p></figure>
            """
    }

    private func shares(of histogram: Histogram) -> [Double] {
        let total = Double(max(1, histogram.total))
        return bars.map { bar in
            let bins = histogram.counts[bar * group..<min(histogram.counts.count, (bar + 1) * group)]
            return Double(bins.reduce(0, +)) / total
        }
    }

    private static func columns(_ series: Series, _ shares: [Double], _ heights: [Double], _ step: Double) -> String {
        let columns = heights.indices.filter { heights[$0] > 0 }.map { place in
            "<rect x=\"\(text(Double(place) * step + 0.75))\" y=\"\(text(size.height - heights[place]))\" "
                + "width=\"\(text(max(0.5, step - 1.5)))\" height=\"\(text(heights[place]))\" rx=\"1.5\">"
                + "<title>\(Figures.fixed(shares[place] * 100, 1)) %</title></rect>"
        }
        return "<g class=\"\(series.style)\">\(columns.joined())</g>"
    }

    private static func steps(_ series: Series, _ heights: [Double], _ step: Double) -> String {
        var path = "M0 \(text(size.height))"
        for (place, height) in heights.enumerated() {
            path += "V\(text(size.height - height))H\(text(Double(place + 1) * step))"
        }
        return "<path class=\"\(series.style) line\" d=\"\(path)V\(text(size.height))\"/>"
    }

    /// A coordinate; those of a chart are below 1000, so no comma appears.
    private static func text(_ value: Double) -> String { Figures.fixed(value, 1) }
}
