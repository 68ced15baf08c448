import Samples

@testable import Reports

/// Text that has broken other pages and terminals.
let nastyTexts = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a & b < c > d \" e ' f", "</style></script><!--",
    "\u{1B}[31mred\u{1B}[0m\u{0}\u{7}\nnext\r\u{85}\u{2028}line", "שלום \u{202E}turned\u{202C} \u{2066}x\u{2069}",
    "写真 黄色い星 👨‍👩‍👧‍👦 e\u{301}", String(repeating: "long ", count: 4000), "", " ", "]]>",
    "`code` **bold** [x](http://y) | a |",
]

func digest(_ digit: Character) throws -> ContentDigest {
    guard let digest = ContentDigest(hex: String(repeating: digit, count: 64)) else { throw FixtureError() }
    return digest
}

struct FixtureError: Error {}

func facts(
    name: String = "demo", notice: String? = nil, rejections: [Rejection.Reason: Int] = [:], rows: Int = 10,
    role: String = "ranker", shards: [DatasetFacts.Shard]? = nil
) throws -> DatasetFacts {
    DatasetFacts(
        name: name, notice: notice, manifestDigest: try digest("a").hex, softwareVersion: "1.0.0",
        models: [
            .init(role: "captioner", name: "blip", digest: "b"), .init(role: role, name: "clip", digest: "c"),
        ],
        sources: [
            .init(
                name: "demo", format: "csv", rows: rows, samples: rows - rejections.values.reduce(0, +),
                rejections: rejections)
        ],
        shards: try shards ?? [
            .init(
                name: "demo-000000", source: "demo", samples: rows, byteCount: 12_345, digest: try digest("d"),
                table: (678, try digest("e")))
        ])
}

/// A sample with a candidate for each text, the first two of which are kept, and a web caption among them.
func row(
    _ number: Int, source: String = "demo", texts: [String] = ["one", "two", "three"], web: String = "a web caption"
)
    -> ReportRow
{
    let candidates =
        texts.enumerated().map { ScoredCaption(text: $1, score: 0.4 - Double($0) / 50, origin: .blip) }
        + [ScoredCaption(text: web, score: 0.1, origin: .web)]
    return ReportRow(
        id: SampleID(source: source, row: number), url: "http://example.org/\(number).jpg", webCaption: web,
        outcome: .kept(
            .init(
                width: 384, height: 288, originalWidth: 640, originalHeight: 480, kept: Array(candidates.prefix(2)),
                candidates: candidates)))
}

func failure(_ number: Int, _ reason: Rejection.Reason, message: String = "what happened") -> ReportRow {
    ReportRow(
        id: SampleID(source: "demo", row: number), url: "http://example.org/\(number).jpg", webCaption: "",
        outcome: .rejected(Rejection(reason, message)))
}
