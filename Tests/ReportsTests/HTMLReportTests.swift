import Digests
import Foundation
import Samples
import Testing

@testable import Reports

@Suite("The HTML report")
struct HTMLReportTests {
    private let pixel = ReportImage(mediaType: "image/png", bytes: [1, 2, 3, 4])

    private func page(_ rows: [ReportRow], _ facts: DatasetFacts, limit: Int = 60) -> String {
        var gathered = ReportGatherer(galleryLimit: limit)
        for row in rows { gathered.add(row) }
        return HTMLReport(facts, gathered).html { _ in pixel }
    }

    @Test("shows every candidate with its score and origin, the kept ones marked, and the web caption")
    func card() throws {
        let page = page([row(3)], try facts())
        #expect(page.components(separatedBy: "<li class=\"is-kept blip\">").count == 3)
        #expect(page.contains(">three</span><span class=\"tag\">blip</span><span class=\"score\">0.360</span>"))
        #expect(page.contains("<li class=\"web\">") && page.contains("<span>web</span>a web caption"))
        #expect(page.contains("src=\"data:image/png;base64,AQIDBA==\"") && page.contains("640 × 480 → 384 × 288"))
        #expect(page.contains("data-web=\"lost\"") && page.contains("demo-000000000003"))
    }

    @Test("lets no text out of its place, however nasty", arguments: nastyTexts)
    func escaped(text: String) throws {
        let plain = page([row(1), failure(2, .decodeError)], try facts(notice: "n", rejections: [.decodeError: 1]))
        let nasty = page(
            [row(1, texts: [text, text, text], web: text + "."), failure(2, .decodeError, message: text)],
            try facts(name: text + "x", notice: text + "n", rejections: [.decodeError: 1], role: text + "r"))
        // The same elements, whatever the text: what is not markup in one is none in the other.
        #expect(elements(nasty) == elements(plain))
        let forbidden = nasty.unicodeScalars.filter {
            $0 != "\n" && ($0.properties.generalCategory == .control || (0x202A...0x202E).contains($0.value))
        }
        #expect(forbidden.isEmpty)
        #expect(nasty.utf8.count < 60_000)
    }

    /// The names of all tags but the marks of charts, of which there are as many as bars.
    private func elements(_ page: String) -> [String] {
        let marks = ["line", "text", "/text", "rect", "/rect", "title", "/title"]
        return page.components(separatedBy: "<").dropFirst()
            .map { String($0.prefix { $0.isLetter || $0.isNumber || $0 == "/" }) }.filter { !marks.contains($0) }
    }

    @Test("asks for nothing from outside, and lets only its own script run")
    func closed() throws {
        let page = page([row(1)], try facts())
        for mark in ["src=\"http", "href=\"http", "url(", "@import", "<link", "<iframe", "onclick"] {
            #expect(!page.contains(mark), "\(mark)")
        }
        let script = try #require(
            page.components(separatedBy: "<script>").last?.components(separatedBy: "</script>").first)
        let hex = digest(of: script).hex
        let bytes = stride(from: 0, to: 64, by: 2).compactMap { start in
            UInt8(hex.dropFirst(start).prefix(2), radix: 16)
        }
        #expect(page.contains("script-src 'sha256-\(Data(bytes).base64EncodedString())'"))
        #expect(page.contains("default-src 'none'"))
    }

    @Test("is the same whatever the order of the rows, and chooses as many of each source as it can")
    func deterministic() throws {
        let rows =
            (0..<200).map { row($0, source: $0 < 190 ? "big" : "small") } + (200..<209).map { failure($0, .timeout) }
        let facts = try facts(rejections: [.timeout: 9], rows: 209)
        #expect(page(rows, facts, limit: 20) == page(rows.reversed(), facts, limit: 20))
        var gathered = ReportGatherer(galleryLimit: 20)
        for row in rows { gathered.add(row) }
        #expect(gathered.gallery.count == 20 && gathered.gallery.count { $0.source == "small" } == 10)
        #expect(gathered.gallery == gathered.gallery.sorted())
    }

    @Test("has something to say of nothing, and of failures only")
    func empty() throws {
        let none = page([], try facts(rows: 0))
        #expect(none.contains("nothing to show") && none.contains("every row became a sample"))
        #expect(!none.contains("<svg") && !none.contains("NaN"))
        let failed = page([failure(0, .httpError, message: "status 404")], try facts(rejections: [.httpError: 10]))
        #expect(failed.contains("http_error") && failed.contains("status 404") && failed.contains("100 %"))
    }

    @Test("shows scores beyond a cosine's range on a scale that holds them, whatever comes first")
    func logits() throws {
        func rows(_ factor: Double) -> [ReportRow] {
            (0..<60).map { number in
                let captions = [9.5, -7.25, 0.5, Double(number) / 10].map {
                    ScoredCaption(text: "\($0)", score: $0 * factor, origin: .blip)
                }
                return ReportRow(
                    id: SampleID(source: "demo", row: number), url: "", webCaption: "",
                    outcome: .kept(
                        ReportRow.Sample(
                            width: 2, height: 2, originalWidth: 2, originalHeight: 2, kept: [captions[0]],
                            candidates: captions)))
            }
        }
        let facts = try facts()
        #expect(page(rows(1), facts) == page(rows(1).reversed(), facts))
        #expect(page(rows(1), facts).contains("kept 9.44"), "the lower end of the interval of 9.5")
        #expect(page(rows(0.1), facts).contains("kept 0.95"))
        var gathered = ReportGatherer()
        for row in rows(1) + rows(0.1) { gathered.add(row) }
        #expect(gathered.blipScores.range == -16...16 && gathered.blipScores.total == 480)
        #expect(gathered.keptScores.total == 120)
    }

    @Test("shows human captions without scores")
    func human() throws {
        let sample = ReportRow.Sample(
            width: 2, height: 2, originalWidth: 2, originalHeight: 2,
            kept: [ScoredCaption(text: "by a person", score: 0, origin: .human)], candidates: [])
        let row = ReportRow(
            id: SampleID(source: "coco", row: 0), url: "", webCaption: "", outcome: .kept(sample))
        let page = page([row], try facts())
        #expect(page.contains("by a person") && !page.contains("id=\"scores\"") && page.contains("no web caption"))
    }

    @Test("bounds the bytes of its pictures")
    func bounded() throws {
        var gathered = ReportGatherer(galleryLimit: 3)
        for number in 0..<3 { gathered.add(row(number)) }
        let large = ReportImage(
            mediaType: "image/png", bytes: Array(repeating: 0, count: HTMLReport.imageByteLimit / 2))
        let page = HTMLReport(try facts(), gathered).html { _ in large }
        #expect(page.components(separatedBy: "<img ").count == 3 && page.contains("no picture"))
    }

    @Test("writes base 64 as the library does", arguments: 0..<8)
    func base64(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 89 + 200) }
        #expect(ReportEncoding.base64(bytes) == Data(bytes).base64EncodedString())
    }
}

@Suite("What a report gathers")
struct ReportGathererTests {
    @Test("counts scores, words, sizes and places")
    func counts() throws {
        var gathered = ReportGatherer()
        for number in 0..<5 { gathered.add(row(number, texts: ["one two", "b", "c"], web: "w")) }
        #expect(gathered.blipScores.total == 15 && gathered.keptScores.total == 10 && gathered.webScores.total == 5)
        #expect(gathered.blipScores.counts[140] == 5 && gathered.webScores.counts[110] == 5)
        #expect(gathered.keptWords.counts[2] == 5 && gathered.keptWords.counts[1] == 5)
        #expect(gathered.webPlaces.counts[3] == 5)
        #expect(gathered.sides.counts[5] == 5)  // 480 is between 362 and 512
        #expect(gathered.keptByOrigin == [.blip: 10])
    }

    @Test("puts numbers into the interval that they belong to, and those beyond into the last")
    func histogram() {
        var histogram = Histogram(-1...1, bins: 200)
        for value in [0.29, 0.295, 5, -5, .nan] { histogram.add(value) }
        #expect(histogram.counts[129] == 2 && histogram.counts[199] == 1 && histogram.counts[0] == 1)
        #expect(histogram.total == 4 && histogram.occupied == 0..<200)
    }

    @Test("keeps the first three failures of each reason")
    func examples() {
        var gathered = ReportGatherer()
        for number in [9, 2, 7, 4, 1] { gathered.add(failure(number, .timeout)) }
        #expect(gathered.failureExamples[.timeout]?.map(\.id.row) == [1, 2, 4])
    }
}
