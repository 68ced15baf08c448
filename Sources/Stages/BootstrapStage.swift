package import Manifests
import Samples

/// Ten captions by the captioner, all candidates judged by the ranker, the best kept.
package struct BootstrapStage: Sendable {
    private let captioner: any Captioner
    private let ranker: any Ranker
    private let count: Int
    private let rank: Manifest.Rank

    package init(manifest: Manifest, captioner: any Captioner, ranker: any Ranker) {
        self.captioner = captioner
        self.ranker = ranker
        self.count = manifest.caption.count
        self.rank = manifest.rank
    }

    /// The records of `batch` in their order, those that were not rejected with candidates and kept captions.
    package func run(_ batch: [SampleRecord]) async throws -> [SampleRecord] {
        var records = batch
        let open = records.indices.filter { records[$0].rejection == nil }
        guard !open.isEmpty else { return records }
        let texts = try await generate(open.map { records[$0] })
        let candidates = zip(open, texts).map { index, made in rivals(made, records[index]) }
        let scores = try await ranker.score(
            zip(open, candidates).map { index, candidates in
                RankRequest(
                    key: records[index].id.key, image: records[index].views?.ranker ?? .view([]),
                    captions: candidates.map { readable($0.text) })
            })
        for (position, index) in open.enumerated() {
            let scored = zip(candidates[position], scores[position]).map { caption, score in
                ScoredCaption(text: caption.text, score: storedScore(score), origin: caption.origin)
            }
            records[index] = records[index].choosing(scored, rank)
        }
        return records
    }

    private func generate(_ records: [SampleRecord]) async throws -> [[GeneratedCaption]] {
        let requests = records.map { CaptionRequest(key: $0.id.key, image: $0.views?.captioner ?? .view([])) }
        let generated = try await captioner.caption(requests, count: count)
        precondition(generated.count == records.count, "a captioner answers every request")
        return generated
    }

    /// What takes part in the ranking, in the order made: the captioner's, then the web's.
    private func rivals(_ generated: [GeneratedCaption], _ record: SampleRecord) -> [Caption] {
        let made = generated.filter { !$0.text.isEmpty }.map { Caption(text: $0.text, origin: .blip) }
        return made + (rank.includeOriginal ? record.given : [])
    }
}

extension SampleRecord {
    fileprivate func choosing(_ scored: [ScoredCaption], _ rank: Manifest.Rank) -> SampleRecord {
        var record = self
        record.views = nil
        record.kept = best(rank.keep, of: scored)
        record.candidates = rank.keepCandidates ? scored : record.kept
        guard record.kept.isEmpty else { return record }
        return record.rejected(Rejection(.badRow, "no caption: the captioner made none and the list gives none"))
    }

    /// The record with the captions that came with it, unranked.
    func keepingGiven() -> SampleRecord {
        guard rejection == nil else { return self }
        var record = self
        record.kept = given.filter { !$0.text.isEmpty }
            .map { ScoredCaption(text: $0.text, score: 0, origin: $0.origin) }
        record.candidates = record.kept
        guard record.kept.isEmpty else { return record }
        return record.rejected(Rejection(.badRow, "no caption: the list gives none and none is made"))
    }
}
