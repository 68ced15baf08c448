/// Captions of a data set's images, scored.
package struct CaptionEvaluation: Sendable, Equatable, Encodable {
    /// An image, for those who want to see what was written.
    package struct Image: Sendable, Equatable {
        package let id: String
        /// Nil where the predictions have none.
        package let caption: String?
        package let references: [String]
        package let ciderD: Double
    }

    package let tally: Tally
    package let scores: CaptionScores
    /// The scores of NoCaps's domains, each by its own images alone.
    package let byDomain: [String: CaptionScores]
    package let images: [Image]

    /// Scores every image that has a reference; where a caption is missing, an empty one.
    package init(_ references: CaptionReferences, _ predictions: Predictions) {
        tally = predictions.tally(references.images.map(\.id))
        let (scores, each) = Self.scores(references.images, predictions)
        self.scores = scores
        images = zip(references.images, each).map { image, ciderD in
            Image(id: image.id, caption: predictions.text(of: image.id), references: image.captions, ciderD: ciderD)
        }
        let domains = Dictionary(grouping: references.images.filter { $0.domain != nil }) { $0.domain ?? "" }
        byDomain = domains.mapValues { Self.scores($0, predictions).all }
    }

    private static func scores(
        _ images: [CaptionReferences.Image], _ predictions: Predictions
    ) -> (all: CaptionScores, each: [Double]) {
        var scorer = CaptionScorer()
        for image in images { scorer.add(predictions.text(of: image.id) ?? "", references: image.captions) }
        let (all, ciderD) = scorer.scores()
        return (all, ciderD)
    }

    private enum CodingKeys: String, CodingKey { case byDomain = "by_domain" }

    package func encode(to encoder: any Encoder) throws {
        try tally.encode(to: encoder)
        try scores.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        if !byDomain.isEmpty { try container.encode(byDomain, forKey: .byDomain) }
    }
}
