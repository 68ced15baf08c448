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
    package private(set) var scores: CaptionScores
    /// The scores of NoCaps's domains, each by its own images alone.
    package private(set) var byDomain: [String: CaptionScores]
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

    /// Takes in METEOR of all images, and of each domain's, which a program of its own computes.
    package mutating func note(meteor: Double, byDomain: [String: Double]) {
        scores.meteor = meteor
        for (domain, score) in byDomain { self.byDomain[domain]?.meteor = score }
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
