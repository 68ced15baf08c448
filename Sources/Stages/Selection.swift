package import Samples

/// The `keep` best captions of different texts, best first; equal scores keep their given order.
package func best(_ keep: Int, of candidates: [ScoredCaption]) -> [ScoredCaption] {
    precondition(keep > 0, "keep at least one caption")
    let order = candidates.indices.sorted { (-candidates[$0].score, $0) < (-candidates[$1].score, $1) }
    var kept: [ScoredCaption] = []
    for index in order where kept.count < keep {
        let candidate = candidates[index]
        guard !candidate.text.isEmpty, !kept.contains(where: { $0.text == candidate.text }) else { continue }
        kept.append(candidate)
    }
    return kept
}

/// `score` as shards store it: to six decimals, finer than the models' own noise.
package func storedScore(_ score: Double) -> Double { (score * 1e6).rounded() / 1e6 }
