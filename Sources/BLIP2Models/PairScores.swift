package import Tensors

/// How well an image and a text go together, by both of phase 1's judgements.
package struct PairScores: Sendable, Equatable {
    /// The cosine of the text and of the image's query that is nearest to it, −1 to 1; no temperature.
    package let itc: Double
    /// The logit that the text belongs to the image, the mean over the queries; any number.
    package let itm: Double

    package init(itc: Double, itm: Double) { (self.itc, self.itm) = (itc, itm) }

    /// Both added, as LAVIS ranks: the logit decides, and the cosine settles what it leaves open.
    package var sum: Double { itc + itm }
}

extension PhaseOneModel {
    /// Texts that are matched with one image at once.
    private static let textBatch = 64

    /// For each of `texts`, token ids, the logit that it belongs to `image`, the mean over the queries.
    ///
    /// `image` is one image, whose keys and values all texts share. Texts of about one length are computed together.
    ///
    /// Source: transformers `modeling_blip_2.py`, `Blip2ForImageTextRetrieval.forward` with
    /// `use_image_text_matching_head`, the second of its two logits.
    package func matchLogits(_ image: SeenByQueries, _ texts: [[Int]]) throws(TorchError) -> [Float] {
        precondition(image.count == 1, "one image")
        let order = texts.indices.sorted { (texts[$0].count, $0) < (texts[$1].count, $1) }
        var logits = [Float](repeating: 0, count: texts.count)
        for start in stride(from: 0, to: order.count, by: Self.textBatch) {
            let part = order[start..<min(start + Self.textBatch, order.count)]
            let values = try match(part.map { texts[$0] }, [SeenGroup(image, rowsPerImage: part.count)]).floats()
            for (place, text) in part.enumerated() { logits[text] = values[2 * place + 1] }
        }
        return logits
    }

    /// The unit vectors of `texts`, token ids, each as wide as the joint space.
    package func textVectors(_ texts: [[Int]]) throws(TorchError) -> [[Float]] {
        let order = texts.indices.sorted { (texts[$0].count, $0) < (texts[$1].count, $1) }
        var vectors = [[Float]](repeating: [], count: texts.count)
        for start in stride(from: 0, to: order.count, by: Self.textBatch) {
            let part = order[start..<min(start + Self.textBatch, order.count)]
            let (values, width) = (try read(part.map { texts[$0] }).floats(), configuration.jointWidth)
            for (place, text) in part.enumerated() {
                vectors[text] = Array(values[place * width..<(place + 1) * width])
            }
        }
        return vectors
    }
}
