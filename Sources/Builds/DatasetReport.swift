import Manifests
import Reports
import Samples
import Shards
package import Storage
import Tables

/// The report on `dataset` as a page of HTML, with at most `galleryLimit` images.
package func reportHTML(of dataset: Dataset, galleryLimit: Int) throws -> String {
    let description = try dataset.readDescription()
    var gatherer = ReportGatherer(galleryLimit: galleryLimit)
    var sources = SourceCounts()
    // Rows of a shard are consecutive: its last one says which shard holds a row.
    var shardsByLastRow: [(last: SampleID, name: String)] = []
    for shard in description.shards {
        try Task.checkCancellation()
        var last: SampleID?
        try readResultTable(dataset.openTable(shard.name)) { row in
            let row = ReportRow(row, source: shard.source)
            sources.add(row)
            gatherer.add(row)
            last = row.id
        }
        if let last { shardsByLastRow.append((last, shard.name)) }
    }
    let facts = DatasetFacts(description, sources.facts, scoreNote: scoreNote(of: dataset))
    let report = HTMLReport(facts, gatherer)
    return report.html { id in
        let shard = shardsByLastRow.first { $0.last.source == id.source && $0.last.row >= id.row }
        return shard.flatMap { image(of: id, in: $0.name, of: dataset) }
    }
}

/// What the scores are, by the manifest in the output; cosines where there is none that can be read.
private func scoreNote(of dataset: Dataset) -> String {
    let yaml = try? dataset.store.read(DatasetLayout.manifest, byteLimit: 1 << 20)
    let manifest = yaml.flatMap { try? Manifest(yaml: String(decoding: $0, as: UTF8.self)) }
    return switch manifest?.rank.score {
    case nil, .itc: DatasetFacts.cosineNote
    case .itm: "Logit that image and caption belong together, by the ranker."
    case .sum: "Cosine similarity of image and caption plus the logit that they belong together, by the ranker."
    }
}

/// The stored image of a sample; nil where its shard cannot be read, which `pipeline verify` explains.
private func image(of id: SampleID, in shard: String, of dataset: Dataset) -> ReportImage? {
    guard let sample = try? ShardReader.sample(id.key, in: dataset.openShard(shard)) else { return nil }
    let type = sample.imageExtension == "jpg" ? "jpeg" : sample.imageExtension
    return ReportImage(mediaType: "image/\(type)", bytes: sample.image)
}

/// Rows by source, counted as they are read.
private struct SourceCounts {
    private var order: [String] = []
    private var rows: [String: Int] = [:]
    private var samples: [String: Int] = [:]
    private var rejections: [String: [Rejection.Reason: Int]] = [:]

    mutating func add(_ row: ReportRow) {
        let source = row.id.source
        if rows[source] == nil { order.append(source) }
        rows[source, default: 0] += 1
        switch row.outcome {
        case .kept: samples[source, default: 0] += 1
        case .rejected(let rejection): rejections[source, default: [:]][rejection.reason, default: 0] += 1
        }
    }

    var facts: [DatasetFacts.Source] {
        order.map { name in
            DatasetFacts.Source(
                name: name, format: "", rows: rows[name] ?? 0, samples: samples[name] ?? 0,
                rejections: rejections[name] ?? [:])
        }
    }
}

extension ReportRow {
    fileprivate init(_ row: ResultRow, source: String) {
        let number = Int(row.key.dropFirst(source.count + 1)) ?? 0
        let outcome: Outcome<Sample>
        if row.status == ResultRow.success {
            outcome = .kept(
                Sample(
                    width: row.width ?? 0, height: row.height ?? 0, originalWidth: row.originalWidth ?? 0,
                    originalHeight: row.originalHeight ?? 0, kept: row.captions, candidates: row.candidates))
        } else {
            let reason = Rejection.Reason(rawValue: row.status) ?? .badRow
            outcome = .rejected(Rejection(reason, row.errorMessage ?? ""))
        }
        self.init(
            id: SampleID(source: source, row: number), url: row.url, webCaption: row.webCaption, outcome: outcome)
    }
}

extension DatasetFacts {
    fileprivate init(_ description: DatasetDescription, _ sources: [Source], scoreNote: String) {
        self.init(
            name: description.name, notice: description.notice.isEmpty ? nil : description.notice,
            manifestDigest: description.manifestDigest, softwareVersion: description.softwareVersion,
            models: description.models, sources: sources,
            shards: description.shards.compactMap { shard in
                ContentDigest(hex: shard.sha256).map { digest in
                    Shard(
                        name: shard.name, source: shard.source, samples: shard.samples, byteCount: shard.bytes,
                        digest: digest, table: nil)
                }
            }, scoreNote: scoreNote)
    }
}
