import Samples

extension HTMLReport {
    /// How many cards are seen before the reader asks for more.
    private static var openCards: Int { 12 }

    func galleryPart(_ image: (SampleID) -> ReportImage?) -> Part {
        let cards = gathered.cards
        guard !cards.isEmpty else {
            return Part(
                id: "gallery", heading: "Gallery",
                body: "<p class=\"empty\">No row became a sample, so there is nothing to show.</p>")
        }
        var bytesLeft = Self.imageByteLimit
        let pictures = cards.map { card -> String in
            guard let picture = image(card.row.id), picture.bytes.count <= bytesLeft else {
                return "<div class=\"picture none\">no picture</div>"
            }
            bytesLeft -= picture.bytes.count
            let alternative = card.sample.kept.first.map { CleanText.shown($0.text, limit: 200) } ?? ""
            return "<div class=\"picture\"><img alt=\"\(alternative)\" loading=\"lazy\" "
                + "src=\"data:\(CleanText.html(picture.mediaType));base64,\(ReportEncoding.base64(picture.bytes))\"></div>"
        }
        let figures = zip(cards, pictures).map(figure)
        let ranked = cards.contains { !$0.sample.candidates.isEmpty }
        let note =
            "\(Figures.grouped(cards.count)) of \(Figures.grouped(facts.sampleCount)) samples, chosen by a digest of their keys."
            + (ranked
                ? " Candidates are sorted by score, with the kept ones marked; bars range from the lowest score of all to the highest."
                : "")
        let first = figures.prefix(Self.openCards).joined(separator: "\n")
        let others = figures.dropFirst(Self.openCards)
        let more =
            others.isEmpty
            ? ""
            : "\n<details id=\"more\"><summary>\(others.count) more</summary>\n<div class=\"cards\">\n"
                + others.joined(separator: "\n") + "\n</div></details>"
        return Part(
            id: "gallery", heading: "Gallery", note: note,
            body: filter + "<div class=\"cards\">\n\(first)\n</div>" + more)
    }

    /// What narrows the gallery down; the script shows it, since nothing works without.
    private var filter: String {
        let sources = facts.sources.map { "<option>\(CleanText.shown($0.name))</option>" }.joined()
        let choice =
            facts.sources.count < 2
            ? ""
            : "<select id=\"source\" aria-label=\"Source\"><option value=\"\">all sources</option>\(sources)</select>"
        return """
            <div class="filter" id="filter" hidden>
            <input id="words" type="search" placeholder="Filter by caption, key or address" aria-label="Filter">
            \(choice)
            <select id="web" aria-label="Web caption"><option value="">any outcome</option>\
            <option value="kept">web caption kept</option><option value="lost">web caption replaced</option></select>
            <output id="shown"></output>
            </div>

            """
    }

    private func figure(_ card: ReportGatherer.Card, _ picture: String) -> String {
        let sample = card.sample
        let key = CleanText.shown(card.row.id.key)
        let isWebKept = sample.kept.contains { $0.origin != .blip }
        let size =
            sample.width == sample.originalWidth && sample.height == sample.originalHeight
            ? "\(sample.width) × \(sample.height)"
            : "\(sample.originalWidth) × \(sample.originalHeight) → \(sample.width) × \(sample.height)"
        let web =
            card.row.webCaption.isEmpty
            ? "<p class=\"original\">no web caption</p>"
            : "<p class=\"original\" dir=\"auto\"><span>web</span>\(CleanText.shown(card.row.webCaption))</p>"
        return """
            <article class="card" id="\(key)" data-source="\(CleanText.shown(card.row.id.source))" \
            data-web="\(isWebKept ? "kept" : "lost")">
            \(picture)
            <div class="words">
            \(sample.kept.map(keptLine).joined(separator: "\n"))
            \(web)
            \(candidateList(sample))
            <p class="foot"><span>\(key)</span> <span>\(size)</span></p>
            <p class="foot url">\(CleanText.shown(card.row.url, limit: 160))</p>
            </div>
            </article>
            """
    }

    private func keptLine(_ caption: ScoredCaption) -> String {
        "<p class=\"kept\" dir=\"auto\">\(CleanText.shown(caption.text))</p>"
    }

    private func candidateList(_ sample: ReportRow.Sample) -> String {
        guard !sample.candidates.isEmpty else { return "" }
        let order = sample.candidates.indices.sorted {
            (sample.candidates[$1].score, $0) < (sample.candidates[$0].score, $1)
        }
        var unmarked = sample.kept
        let lines = order.map { index -> String in
            let caption = sample.candidates[index]
            let place = unmarked.firstIndex { $0.text == caption.text && $0.origin == caption.origin }
            if let place { unmarked.remove(at: place) }
            let width = Figures.fixed(gathered.scoreRange.share(of: caption.score) * 100, 1)
            return "<li class=\"\(place == nil ? "" : "is-kept ")\(caption.origin.rawValue)\">"
                + "<span class=\"text\" dir=\"auto\">\(CleanText.shown(caption.text, limit: 200))</span>"
                + "<span class=\"tag\">\(caption.origin.rawValue)</span>"
                + "<span class=\"score\">\(Figures.fixed(caption.score, 3))</span>"
                + "<span class=\"bar\"><i style=\"width:\(width)%\"></i></span></li>"
        }
        return "<ol class=\"candidates\" aria-label=\"Candidates by score\">\(lines.joined())</ol>"
    }
}
