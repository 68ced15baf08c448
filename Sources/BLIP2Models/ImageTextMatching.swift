package import Layers
package import Tensors

// Shape letters of this file: B own pairs, R rows.

/// What image-text matching asks about: the own pairs, and what does not belong to them.
package struct MatchingBatch {
    /// The own texts, token ids.
    package let texts: [[Int]]
    /// The own images.
    package let images: SeenByQueries
    /// For each own image, a text that does not belong to it.
    package let negativeTexts: [[Int]]
    /// For each own text, an image that does not belong to it.
    package let negativeImages: SeenByQueries

    package init(texts: [[Int]], images: SeenByQueries, negativeTexts: [[Int]], negativeImages: SeenByQueries) {
        precondition(texts.count == negativeTexts.count && texts.count == images.count, "a negative text a pair")
        precondition(texts.count == negativeImages.count, "a negative image a pair")
        (self.texts, self.images) = (texts, images)
        (self.negativeTexts, self.negativeImages) = (negativeTexts, negativeImages)
    }
}

/// What came of image-text matching.
package struct MatchingResult {
    /// These pairs' share of the loss, a scalar.
    package let loss: Tensor
    /// The logits `[R, 2]`: of each own pair, its image with another's text; then its text with another's image.
    package let logits: Tensor
    /// Which rows belong together, 1 or 0.
    package let labels: [Int]

    /// How many rows were judged rightly; waits for the device.
    package func correctCount() throws(TorchError) -> Int {
        let values = try logits.detached().floats()
        return labels.indices.count { (values[2 * $0 + 1] > values[2 * $0]) == (labels[$0] == 1) }
    }
}

/// Image-text matching (ITM): the model says whether a text belongs to an image.
///
/// The loss is these pairs' share of the mean over the three rows of each of `count` pairs: the shares of all processes and
/// micro-batches of a step add up to the loss of the global batch. `dropout` has the keys of the rows in the order of the
/// result's logits (`matchingOrder`).
///
/// Source: Li et al., "BLIP-2", 2023, section 3.1, "Image-Text Matching"; LAVIS `blip2_qformer.py`, `Blip2Qformer.forward`.
package func imageTextMatchingLoss(
    _ model: PhaseOneModel, _ batch: MatchingBatch, _ dropout: Dropout?, of count: Int
) throws(TorchError) -> MatchingResult {
    // 1. Negatives are hard ones: for each image a similar text, for each text a similar image. (`HardNegatives`)
    // 2. Every pair makes three rows: it itself, its image with the negative text, its text with the negative image. An
    //    image's two rows stand side by side, so that both attend to its one block of keys and values.
    let pairs = batch.texts.count
    let texts = zip(batch.texts, batch.negativeTexts).flatMap { [$0, $1] } + batch.texts
    let labels = (0..<pairs).flatMap { _ in [1, 0] } + [Int](repeating: 0, count: pairs)
    // 3. Queries and text see each other without a mask: the queries' states hold what both have in common.
    // 4. Each query's state is given to a classifier of two classes; the logits' mean over the queries is the score.
    let logits = try model.match(
        texts, [SeenGroup(batch.images, rowsPerImage: 2), SeenGroup(batch.negativeImages)], dropout)
    // 5. Cross-entropy, one part in three "matched".
    let classes = try Tensor(labels, shape: [labels.count]).to(.int64, on: logits.device)
    let loss = try crossEntropy(logits, classes) * (Double(pairs) / Double(count))
    return MatchingResult(loss: loss, logits: logits, labels: labels)
}

/// The rows of image-text matching of `pairs` pairs: which pair each belongs to, and which of its three rows it is.
package func matchingOrder(_ pairs: Int) -> [(pair: Int, row: Int)] {
    (0..<pairs).flatMap { [($0, 0), ($0, 1)] } + (0..<pairs).map { ($0, 2) }
}
