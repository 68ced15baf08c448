import Foundation

/// CIDEr-D: how alike the n-grams of a caption and of its references are, rare ones weighing more.
///
/// What is rare is counted over the references of all images of the data set. The similarities of n = 1 to 4 are averaged,
/// lengths that differ are punished by a Gaussian (sigma 6, in pairs of words), and the mean over the references is
/// multiplied by 10. With one image everything weighs log 1 = 0.
///
/// Source: pycocoevalcap 1.2 `cider/cider_scorer.py`, which calls it CIDEr.
struct CiderD {
    private static let sigma = 6.0

    /// The weighted n-grams of one caption.
    private struct Vector {
        var weights: [NGram: Double] = [:]
        /// By length of the n-grams.
        var norms = [Double](repeating: 0, count: NGram.longest)
        /// How many pairs of words.
        var length = 0
    }

    private var imagesWith: [NGram: Int] = [:]
    private var imageCount = 0

    /// Counts the references of one image.
    mutating func count(_ references: [[Int32]]) {
        imageCount += 1
        let ngrams = references.reduce(into: Set<NGram>()) { $0.formUnion(NGram.counts(in: $1).keys) }
        for ngram in ngrams { imagesWith[ngram, default: 0] += 1 }
    }

    /// The score of one image's caption, when the references of all images are counted.
    func score(_ candidate: [Int32], _ references: [[Int32]]) -> Double {
        let written = vector(candidate)
        let sum = references.reduce(0.0) { $0 + similarity(written, vector($1)) }
        return 10 * sum / Double(NGram.longest) / Double(references.count)
    }

    private func vector(_ words: [Int32]) -> Vector {
        var vector = Vector()
        let logOfAll = log(Double(imageCount))
        for (ngram, count) in NGram.counts(in: words) {
            let weight = Double(count) * (logOfAll - log(Double(max(1, imagesWith[ngram] ?? 0))))
            vector.weights[ngram] = weight
            vector.norms[ngram.length - 1] += weight * weight
        }
        vector.norms = vector.norms.map { $0.squareRoot() }
        vector.length = max(0, words.count - 1)
        return vector
    }

    /// The sum over the lengths of n-grams.
    private func similarity(_ written: Vector, _ wanted: Vector) -> Double {
        var sums = [Double](repeating: 0, count: NGram.longest)
        for (ngram, weight) in written.weights {
            guard let other = wanted.weights[ngram] else { continue }
            sums[ngram.length - 1] += min(weight, other) * other
        }
        let difference = Double(written.length - wanted.length)
        let likeness = exp(-difference * difference / (2 * Self.sigma * Self.sigma))
        return sums.indices.reduce(0.0) { total, place in
            let norm = written.norms[place] * wanted.norms[place]
            return total + (norm == 0 ? sums[place] : sums[place] / norm) * likeness
        }
    }
}
