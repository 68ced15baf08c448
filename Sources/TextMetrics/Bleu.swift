import Foundation

/// BLEU-1 to BLEU-4 of a data set: n-grams found over n-grams written, of all captions together.
///
/// The length compared with is that of the reference that is nearest in length, the shorter of two. A caption without words
/// has no n-grams, and shortens the whole.
///
/// Source: pycocoevalcap 1.2 `bleu/bleu_scorer.py`, `compute_score(option="closest")`.
struct Bleu {
    private static let (small, tiny) = (1e-9, 1e-15)

    private var found = [Int](repeating: 0, count: NGram.longest)
    private var written = [Int](repeating: 0, count: NGram.longest)
    private var (length, wantedLength) = (0, 0)

    mutating func add(_ candidate: [Int32], _ references: [[Int32]]) {
        var most: [NGram: Int] = [:]
        for reference in references {
            for (ngram, count) in NGram.counts(in: reference) { most[ngram] = max(most[ngram] ?? 0, count) }
        }
        for (ngram, count) in NGram.counts(in: candidate) {
            found[ngram.length - 1] += min(count, most[ngram] ?? 0)
        }
        for place in written.indices { written[place] += max(0, candidate.count - place) }
        length += candidate.count
        let lengths = references.map(\.count)
        wantedLength +=
            lengths.min { (abs($0 - candidate.count), $0) < (abs($1 - candidate.count), $1) } ?? 0
    }

    /// BLEU-1 to BLEU-4, 0 to 1.
    var scores: [Double] {
        let ratio = (Double(length) + Self.tiny) / (Double(wantedLength) + Self.small)
        let penalty = ratio < 1 ? exp(1 - 1 / ratio) : 1
        var product = 1.0
        return (0..<NGram.longest).map { place in
            product *= (Double(found[place]) + Self.tiny) / (Double(written[place]) + Self.small)
            return pow(product, 1 / Double(place + 1)) * penalty
        }
    }
}
