/// Parts of an SVG file.
enum SVG {
    static func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        path(style, [(x1, y1), (x2, y2)])
    }

    /// A line through `points`, to a tenth of a unit.
    static func path(
        _ style: String, _ points: [(x: Double, y: Double)], _ attributes: String = "", isClosed: Bool = false
    ) -> String {
        guard !points.isEmpty else { return "" }
        let places = points.map { "\(ChartText.coordinate($0.x)) \(ChartText.coordinate($0.y))" }
        let more = attributes.isEmpty ? "" : " " + attributes
        return "<path class=\"\(style)\"\(more) d=\"M\(places.joined(separator: "L"))\(isClosed ? "Z" : "")\"/>"
    }

    static func dots(_ style: String, _ points: [(x: Double, y: Double)], _ attributes: String) -> String {
        guard !points.isEmpty else { return "" }
        let dots = points.map {
            "<circle cx=\"\(ChartText.coordinate($0.x))\" cy=\"\(ChartText.coordinate($0.y))\" r=\"2.6\"/>"
        }
        return "<g class=\"dot \(style)\" \(attributes)>\(dots.joined())</g>"
    }

    static func text(
        _ x: Double, _ y: Double, _ text: String, _ anchor: String, style: String? = nil
    ) -> String {
        let style = style.map { " class=\"\($0)\"" } ?? ""
        return "<text x=\"\(ChartText.coordinate(x))\" y=\"\(ChartText.coordinate(y))\" "
            + "text-anchor=\"\(anchor)\"\(style)>\(escaped(text))</text>"
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
