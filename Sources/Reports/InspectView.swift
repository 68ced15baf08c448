import Samples

/// What `pipeline inspect` shows of a shard, or of one sample in it.
package struct InspectView: Sendable {
    /// A sample in a shard.
    package struct Sample: Sendable {
        let key: String, url: String, webCaption: String
        let byteCount: Int
        let image: ReportRow.Sample

        /// The sample `key`, whose members take `byteCount` bytes.
        package init(key: String, url: String, webCaption: String, byteCount: Int, image: ReportRow.Sample) {
            (self.key, self.url, self.webCaption) = (key, url, webCaption)
            self.byteCount = byteCount
            self.image = image
        }

        /// All that is known of the sample, at most `width` cells wide.
        package func text(width: Int = 100) -> String {
            let facts = TextFacts([
                ("sample", key), ("bytes", Figures.bytes(byteCount)), ("stored", "\(image.width) × \(image.height)"),
                ("fetched", "\(image.originalWidth) × \(image.originalHeight)"), ("url", url),
                ("web caption", webCaption),
            ]).text(width: width)
            var table = ColumnTable(["score", "", "origin", "caption"], right: ["score"])
            var unmarked = image.kept
            let shown = image.candidates.isEmpty ? image.kept : image.candidates
            for caption in shown.sorted(by: { $0.score > $1.score }) {
                let place = unmarked.firstIndex(of: caption)
                if let place { unmarked.remove(at: place) }
                table.add([
                    Figures.fixed(caption.score, 3), place == nil ? "" : "kept", caption.origin.rawValue, caption.text,
                ])
            }
            return facts + "\n" + table.text(width: width)
        }
    }

    let facts: DatasetFacts.Shard
    let samples: [Sample]

    /// The shard with the first of its samples, or all.
    package init(_ facts: DatasetFacts.Shard, samples: [Sample]) {
        self.facts = facts
        self.samples = samples
    }

    /// The shard and a line for each sample given, at most `width` cells wide.
    package func text(width: Int = 100) -> String {
        var table = ColumnTable(["key", "size", "bytes", "score", "best caption"], right: ["size", "bytes", "score"])
        for sample in samples {
            let best = sample.image.kept.first
            table.add([
                sample.key, "\(sample.image.width)×\(sample.image.height)", Figures.bytes(sample.byteCount),
                best.map { Figures.fixed($0.score, 3) } ?? "–", best?.text ?? "–",
            ])
        }
        let more = facts.samples - samples.count
        return TextFacts([
            ("shard", facts.name), ("source", facts.source), ("samples", Figures.grouped(facts.samples)),
            ("bytes", Figures.bytes(facts.byteCount)), ("sha256", facts.digest.hex),
        ]).text(width: width) + "\n" + table.text(width: width)
            + (more > 0 ? "and \(Figures.grouped(more)) more\n" : "")
    }
}
