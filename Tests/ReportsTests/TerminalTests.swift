import Samples
import Testing

@testable import Reports

@Suite("Text for terminals")
struct TerminalTests {
    @Test("aligns columns by the cells that characters take")
    func table() {
        var table = ColumnTable(["key", "rows", "caption"], right: ["rows"])
        table.add(["a-1", "7", "写真 of e\u{301}"])
        table.add(["long-key", "1,234", "\u{1B}[31mred\u{1B}[0m\tx\ny"])
        #expect(
            table.text() == """
                key        rows  caption
                a-1           7  写真 of e\u{301}
                long-key  1,234  [31mred [0m x y

                """)
    }

    @Test("never exceeds the width while columns can give way", arguments: 40...90)
    func narrow(width: Int) {
        var table = ColumnTable(["key", "rows", "caption"], right: ["rows"])
        for text in nastyTexts { table.add([text, "12", "写真" + text]) }
        for line in table.text(width: width).split(separator: "\n") {
            #expect(DisplayWidth.cells(String(line)) <= width)
        }
    }

    @Test("cuts text to cells, with an ellipsis")
    func cut() {
        #expect(DisplayWidth.cut("写真写真", to: 5) == "写真…" && DisplayWidth.cut("写真", to: 4) == "写真")
        #expect(DisplayWidth.cut("写真写真", to: 4) == "写…" && DisplayWidth.cut("ab", to: 0).isEmpty)
        #expect(DisplayWidth.cells("👨‍👩‍👧‍👦") == 2 && DisplayWidth.cells("e\u{301}") == 1)
    }

    @Test("writes numbers as people read them")
    func figures() {
        #expect(
            Figures.grouped(1_234_567) == "1,234,567" && Figures.grouped(-12) == "−12" && Figures.grouped(999) == "999")
        #expect(
            Figures.fixed(0.0496, 2) == "0.05" && Figures.fixed(-1.005, 1) == "−1.0" && Figures.fixed(.nan, 1) == "–")
        #expect(
            Figures.fixed(1234.5, 0) == "1,235" && Figures.fixed(.infinity, 3) == "–"
                && Figures.fixed(0.5, 3) == "0.500")
        #expect(Figures.percent(1, of: 100_000) == "0.1 %" && Figures.percent(99_999, of: 100_000) == "99.9 %")
        #expect(Figures.percent(0, of: 0) == "–" && Figures.percent(3, of: 3) == "100 %")
        #expect(
            Figures.bytes(999) == "999 bytes" && Figures.bytes(1_234_567) == "1.2 MB" && Figures.bytes(0) == "0 bytes")
        #expect(Figures.bytes(123_400_000_000) == "123 GB" && Figures.bytes(999_950) == "1.0 MB")
        #expect(Figures.time(.seconds(3723)) == "1 h 02 min" && Figures.time(.seconds(59.9)) == "59 s")
    }

    @Test("plans, states and inspects")
    func views() throws {
        let plan = PlanView(
            name: "demo", output: "out", manifestDigest: "abc",
            sources: [.init(name: "cc3m", format: "cc3m", path: "a.tsv", rows: 25_000, units: 3)],
            estimatedByteCount: 2_000_000_000)
        #expect(plan.text().contains("25,000 rows, 3 work units, about 2.0 GB"))
        #expect(plan.text().contains("cc3m    cc3m    25,000           3  a.tsv"))

        let counts = DatasetFacts.Source(name: "demo", format: "csv", rows: 50, samples: 40, rejections: [.timeout: 10])
        let status = StatusView(
            name: "demo", state: "running",
            sources: [.init(counts, plannedRows: 100, units: 4, publishedUnits: 2, rowsPerSecond: 5)],
            workers: [.init(name: "w1", unit: "demo-000002", rows: 50, lastSeen: .seconds(2))], rowsPerSecond: 5)
        #expect(status.text().contains("50 of 100 rows, 50.0 %, 5.0 rows/s, 10 s left"))
        #expect(status.text().contains("2/4  50/100       40  80.0 %        10     5.0"), "\(status.text())")
        #expect(status.text().contains("demo    timeout     10  20.0 %"), "\(status.text())")

        guard case .kept(let image) = row(1).outcome else { throw FixtureError() }
        let sample = InspectView.Sample(key: "demo-1", url: "u", webCaption: "\u{1B}[2J", byteCount: 1, image: image)
        let shard = try facts().shards[0]
        #expect(InspectView(shard, samples: [sample]).text().contains("demo-1  384×288  1 bytes  0.400  one"))
        #expect(sample.text().contains("0.400  kept  blip    one") && sample.text().contains("0.100        web"))
        #expect(!sample.text().contains("\u{1B}"))
    }
}

@Suite("The summary of a build")
struct BuildSummaryTests {
    private func source(_ name: String, _ rows: Int, _ samples: Int, _ rejections: [Rejection.Reason: Int])
        -> DatasetFacts.Source
    {
        DatasetFacts.Source(name: name, format: "", rows: rows, samples: samples, rejections: rejections)
    }

    @Test("says what was kept, what failed and what was skipped, by reason")
    func line() {
        let sources = [
            source("a", 40, 38, [.httpError: 1, .duplicate: 1]), source("b", 2000, 1998, [.httpError: 1, .timeout: 1]),
        ]
        let summary = BuildSummary(sources, shards: 6, output: "out/x")
        #expect(
            summary.line
                == "2,036 of 2,040 rows kept in 6 shards; 3 failed: 2 http_error, 1 timeout; 1 skipped: 1 duplicate: out/x"
        )
        #expect(summary.advice == ["pipeline report out/x shows which rows were left out, and why"])
        #expect(summary.faults.isEmpty)
        // Bytes that are not what the list says are left out because the manifest wants it.
        let mismatch = BuildSummary([source("a", 9, 8, [.digestMismatch: 1])], shards: 1, output: "o")
        #expect(mismatch.line == "8 of 9 rows kept in 1 shard; 1 skipped: 1 digest_mismatch: o")
        #expect(["digest_mismatch": 3, "timeout": 2].failureCount == 2)
        let whole = BuildSummary([source("a", 1, 1, [:])], shards: 1, output: "o")
        #expect(whole.line == "1 of 1 row kept in 1 shard: o" && whole.advice.isEmpty)
    }

    @Test("names sources of which nothing was kept, and what most rows failed for")
    func faults() {
        let summary = BuildSummary(
            [source("a", 2, 2, [:]), source("b", 20, 0, [.blockedAddress: 20]), source("c", 0, 0, [:])], shards: 2,
            output: "o")
        #expect(
            summary.faults == [
                "b: nothing was kept of 20 rows; 20 failed: 20 blocked_address", "c: nothing was kept of 0 rows",
            ])
        #expect(summary.advice.first?.contains("fetch.allow_private_addresses: true") == true)
    }
}

@Suite("The line of progress")
struct ProgressLineTests {
    @Test("tells share, count, rate, time left and failures, off a terminal")
    func plain() {
        var line = ProgressLine(label: "build", unit: "rows", total: 1000)
        line.note(done: 200, at: .seconds(100))
        #expect(line.text(failed: 0, style: .plain) == "build: 20 %, 200/1,000 rows, 0 failed")
        line.note(done: 300, at: .seconds(110))
        #expect(line.text(failed: 7, style: .plain) == "build: 30 %, 300/1,000 rows, 10/s, 1 min 10 s left, 7 failed")
    }

    @Test("fits its terminal, with a bar where there is room", arguments: [10, 40, 60, 80, 200])
    func bar(width: Int) {
        var line = ProgressLine(label: "build", unit: "rows", total: 100)
        line.note(done: 0, at: .zero)
        line.note(done: 50, at: .seconds(5))
        let text = line.text(failed: 0, style: .bar(width: width))
        #expect(DisplayWidth.cells(text) <= width)
        #expect(text.contains("█") == (width >= 80) && text.contains("░") == (width >= 80))
    }

    @Test("follows the rate of the last minute in bounded memory, and knows totals of nothing")
    func rate() {
        var line = ProgressLine(label: "x", unit: "rows", total: nil)
        for tick in 0...1200 {  // ten minutes: 100 a second, then 1 a second
            line.note(done: tick <= 600 ? tick * 50 : 30_000 + (tick - 600) / 2, at: .milliseconds(500 * tick))
        }
        #expect(line.text(failed: 0, style: .plain) == "x: 30,300 rows, 1.0/s, 0 failed")
        #expect(
            Mirror(reflecting: line).children.first { $0.label == "history" }.map { "\($0.value)".utf8.count < 20_000 }
                == true)
        var none = ProgressLine(label: "x", unit: "rows", total: 0)
        none.note(done: 0, at: .zero)
        #expect(none.text(failed: 0, style: .plain) == "x: 100 %, 0/0 rows, 0 failed")
    }
}
