/// Columns of text for a terminal, aligned, no wider than it is told.
package struct ColumnTable: Sendable {
    /// How a column stands.
    package enum Alignment: Sendable {
        case left, right
    }

    private let heads: [String]
    private let alignments: [Alignment]
    private var lines: [[String]] = []

    /// A table with these headings; a column that is not named stands left.
    package init(_ heads: [String], right: Set<String> = []) {
        self.heads = heads
        alignments = heads.map { right.contains($0) ? .right : .left }
    }

    /// Adds a line, a cell for each heading; control characters and escapes in the cells are taken out.
    package mutating func add(_ cells: [String]) {
        precondition(cells.count == heads.count, "a line has a cell for each of the \(heads.count) headings")
        lines.append(cells.map { CleanText.line($0, limit: 1000) })
    }

    /// The table as text, a line end after every line; the widest left-aligned columns give way where `width` is too little.
    package func text(width: Int = 100) -> String {
        let widths = fitted(to: width)
        return ([heads] + lines).map { line in
            let cells = line.indices.map { column in
                DisplayWidth.padded(
                    DisplayWidth.cut(line[column], to: widths[column]), to: widths[column],
                    rightAligned: alignments[column] == .right)
            }
            var text = cells.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }.joined()
    }

    private func fitted(to width: Int) -> [Int] {
        var widths = heads.indices.map { column in
            ([heads] + lines).map { DisplayWidth.cells($0[column]) }.max() ?? 0
        }
        let least = 8
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        while excess > 0 {
            let candidates = widths.indices.filter { alignments[$0] == .left && widths[$0] > least }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}

/// Names and values, a line each.
struct TextFacts {
    private let facts: [(name: String, value: String)]

    init(_ facts: [(name: String, value: String)]) { self.facts = facts }

    func text(width: Int) -> String {
        let names = facts.map { DisplayWidth.cells($0.name) }.max() ?? 0
        return facts.map { name, value in
            let value = DisplayWidth.cut(CleanText.line(value, limit: 1000), to: max(8, width - names - 2))
            return DisplayWidth.padded(name, to: names) + "  " + value + "\n"
        }.joined()
    }
}
