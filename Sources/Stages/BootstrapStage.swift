package import Manifests
import Samples

/// Ten captions by the captioner, all candidates judged by the ranker, the best kept.
package struct BootstrapStage: Sendable {
    /// A row that is kept, as the models see it.
    struct Seen: Sendable {
        let origin: RowOrigin
        let views: ModelViews
    }

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

    /// The captions of each row of `batch`, in its order, or why a row has none.
    ///
    /// `moved` is called whenever a model has moved on.
    func run(_ batch: [Seen], moved: @escaping @Sendable () -> Void) async throws -> [Outcome<RowCaptions>] {
        let generated = try await generate(batch, moved)
        let candidates = zip(generated, batch).map { made, row in rivals(made, row.origin) }
        let requests = zip(batch, candidates).map { row, candidates in
            RankRequest(
                key: row.origin.id.key, pixels: row.views.ranker, captions: candidates.map { readable($0.text) })
        }
        return zip(candidates, try await ranker.score(requests, moved: moved)).map { candidates, scores in
            choose(
                zip(candidates, scores).map { caption, score in
                    ScoredCaption(text: caption.text, score: storedScore(score), origin: caption.origin)
                })
        }
    }

    private func generate(
        _ batch: [Seen], _ moved: @escaping @Sendable () -> Void
    ) async throws -> [[GeneratedCaption]] {
        let requests = batch.map { CaptionRequest(key: $0.origin.id.key, pixels: $0.views.captioner) }
        let generated = try await captioner.caption(requests, count: count, moved: moved)
        precondition(generated.count == batch.count, "a captioner answers every request")
        return generated
    }

    /// What takes part in the ranking, in the order made: the captioner's, then the web's.
    private func rivals(_ generated: [GeneratedCaption], _ origin: RowOrigin) -> [Caption] {
        let made = generated.filter { !$0.text.isEmpty }.map { Caption(text: $0.text, origin: .blip) }
        return made + (rank.includeOriginal ? origin.given : [])
    }

    private func choose(_ scored: [ScoredCaption]) -> Outcome<RowCaptions> {
        let kept = best(rank.keep, of: scored)
        guard !kept.isEmpty else {
            return .rejected(Rejection(.badRow, "no caption: the captioner made none, and the list has none"))
        }
        return .kept(RowCaptions(candidates: rank.keepCandidates ? scored : kept, kept: kept))
    }
}
