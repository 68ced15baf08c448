import Samples

extension HTMLReport {
    /// The ranker's scores, and where the web's own captions came in.
    var scorePart: Part? {
        guard let occupied = Self.union([gathered.blipScores, gathered.keptScores, gathered.webScores]) else {
            return nil
        }
        let group = occupied.count > 80 ? 4 : occupied.count > 30 ? 2 : 1
        let bars = occupied.lowerBound / group..<(occupied.upperBound + group - 1) / group
        let every = max(1, bars.count / 8)
        let (scale, width) = (gathered.blipScores.range, gathered.blipScores.binWidth)
        let scores = Chart(
            series: [
                .init(name: "captioner's candidates", style: "s-blip", histogram: gathered.blipScores, isFilled: true),
                .init(name: "kept", style: "s-kept", histogram: gathered.keptScores, isFilled: false),
                .init(name: "web captions", style: "s-web", histogram: gathered.webScores, isFilled: false),
            ].filter { $0.histogram.total > 0 }, group: group, bars: bars,
            label: { $0 % every == 0 ? Figures.fixed(scale.lowerBound + Double($0 * group) * width, 2) : nil })
        return Part(
            id: "scores", heading: "Scores", note: facts.scoreNote + " " + medians,
            body:
                "<div class=\"pair\">\(scores.svg(title: "Scores, each curve to its own 100 %"))\(webPlaces)</div>")
    }

    private var medians: String {
        let named = [
            ("captioner's candidates", gathered.blipScores), ("kept", gathered.keptScores),
            ("web captions", gathered.webScores),
        ]
        let parts = named.compactMap { name, histogram in histogram.median.map { "\(name) \(Figures.fixed($0, 2))" } }
        return "Medians: " + parts.joined(separator: ", ") + "."
    }

    private var webPlaces: String {
        guard let occupied = gathered.webPlaces.occupied else { return "" }
        let chart = Chart(
            series: [.init(name: "samples", style: "s-web", histogram: gathered.webPlaces, isFilled: true)], group: 1,
            bars: 0..<max(occupied.upperBound, 2), label: { "\($0 + 1)." })
        return chart.svg(title: "Place of the web caption among all candidates")
    }

    /// Lengths of captions and sizes of images.
    var textPart: Part? {
        guard let words = Self.union([gathered.keptWords, gathered.webWords]) else { return nil }
        let lengths = Chart(
            series: [
                .init(name: "kept", style: "s-kept", histogram: gathered.keptWords, isFilled: true),
                .init(name: "web captions", style: "s-web", histogram: gathered.webWords, isFilled: false),
            ].filter { $0.histogram.total > 0 }, group: 1, bars: 0..<words.upperBound,
            label: { $0 % 5 == 0 ? $0 == 40 ? "40+" : "\($0)" : nil })
        let sides = gathered.sides.occupied.map { occupied in
            Chart(
                series: [.init(name: "images", style: "s-blip", histogram: gathered.sides, isFilled: true)], group: 1,
                bars: max(0, occupied.lowerBound - 1)..<min(14, occupied.upperBound + 1),
                label: { $0 % 2 == 0 ? "\(1 << ($0 / 2 + 6))" : nil }
            ).svg(title: "Shorter side of the images as fetched, in pixels")
        }
        return Part(
            id: "text", heading: "Lengths and sizes",
            body:
                "<div class=\"pair\">\(lengths.svg(title: "Words in a caption"))\(sides ?? "")</div>")
    }

    private static func union(_ histograms: [Histogram]) -> Range<Int>? {
        let occupied = histograms.compactMap(\.occupied)
        guard let first = occupied.map(\.lowerBound).min(), let last = occupied.map(\.upperBound).max() else {
            return nil
        }
        return first..<last
    }

    /// Why rows were left out, with the first of each kind.
    var failurePart: Part {
        let reasons = facts.rejections.ordered
        guard let most = reasons.first?.count else {
            return Part(
                id: "failures", heading: "Rows left out",
                body: "<p class=\"empty\">None: every row became a sample.</p>")
        }
        let total = facts.rejections.total
        let lines = reasons.map { reason, count in
            let examples = gathered.failureExamples[reason, default: []].map { row -> String in
                guard case .rejected(let rejection) = row.outcome else { return "" }
                return
                    "<li><code>\(CleanText.shown(row.id.key))</code> \(CleanText.shown(rejection.message, limit: 200))"
                    + "<span class=\"url\">\(CleanText.shown(row.url, limit: 200))</span></li>"
            }
            let name =
                "<span class=\"name\">\(reason.rawValue)</span>"
                + "<span class=\"count\">\(Figures.grouped(count))<small>\(Figures.percent(count, of: total))</small></span>"
                + "<span class=\"bar\"><i style=\"width:\(Figures.fixed(Double(count) / Double(most) * 100, 1))%\"></i></span>"
            return examples.isEmpty
                ? "<div class=\"reason\"><div class=\"line\">\(name)</div></div>"
                : "<details class=\"reason\"><summary class=\"line\">\(name)</summary><ul>\(examples.joined())</ul></details>"
        }
        let note =
            "\(Figures.grouped(total)) of \(Figures.grouped(facts.rowCount)) rows, "
            + "\(Figures.percent(total, of: facts.rowCount)). Open a reason to see its first rows."
        return Part(id: "failures", heading: "Rows left out", note: note, body: lines.joined(separator: "\n"))
    }

    var sourcePart: Part? {
        guard !facts.sources.isEmpty else { return nil }
        let lines = facts.sources.map { source in
            let shards = facts.shards.filter { $0.source == source.name }
            return [
                CleanText.shown(source.name), CleanText.shown(source.format), Figures.grouped(source.rows),
                Figures.grouped(source.samples), Figures.percent(source.samples, of: source.rows),
                Figures.grouped(source.rejections.total),
                source.rejections.ordered.first?.reason.rawValue ?? "–", Figures.grouped(shards.count),
                Figures.bytes(shards.reduce(0) { $0 + $1.byteCount }),
            ]
        }
        let heads = ["source", "format", "rows", "samples", "kept", "left out", "mostly", "shards", "bytes"]
        return Part(id: "sources", heading: "Sources", body: Self.table(heads, lines, textColumns: [0, 1, 6]))
    }

    var provenancePart: Part {
        var lines = facts.models.map {
            (CleanText.shown($0.role), "\(CleanText.shown($0.name)) <code>\(CleanText.shown($0.digest))</code>")
        }
        if facts.models.isEmpty { lines.append(("models", "none were used")) }
        lines.append(("manifest", "<code>\(CleanText.shown(facts.manifestDigest))</code>"))
        lines.append(("software", CleanText.shown(facts.softwareVersion)))
        let list = lines.map { "<div><dt>\($0)</dt><dd>\($1)</dd></div>" }.joined()
        let shown = facts.shards.prefix(100).map { shard in
            [
                CleanText.shown(shard.name), Figures.grouped(shard.samples), Figures.bytes(shard.byteCount),
                "<code>\(shard.digest.hex)</code>",
            ]
        }
        let more = facts.shards.count - shown.count
        let rest =
            more > 0
            ? "<p class=\"note\">and \(Figures.grouped(more)) more, listed in <code>dataset.json</code>.</p>" : ""
        let shards =
            shown.isEmpty
            ? ""
            : "<details class=\"shards\"><summary>Shards</summary>"
                + Self.table(["shard", "samples", "bytes", "SHA-256"], Array(shown), textColumns: [0, 3]) + rest
                + "</details>"
        return Part(id: "provenance", heading: "Provenance", body: "<dl class=\"facts\">\(list)</dl>\n\(shards)")
    }

    private static func table(_ heads: [String], _ lines: [[String]], textColumns: Set<Int>) -> String {
        func row(_ cells: [String], _ tag: String) -> String {
            let cells = cells.enumerated().map { column, cell in
                textColumns.contains(column) ? "<\(tag)>\(cell)</\(tag)>" : "<\(tag) class=\"n\">\(cell)</\(tag)>"
            }
            return "<tr>\(cells.joined())</tr>"
        }
        return "<div class=\"scroll\"><table><thead>\(row(heads, "th"))</thead><tbody>"
            + lines.map { row($0, "td") }.joined(separator: "\n") + "</tbody></table></div>"
    }
}
