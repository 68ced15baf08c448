/// Which rows of a list are taken, by what the list says of them; a fact that a row does not have keeps it.
package struct RowFilter: Codable, Sendable, Equatable {
    /// The shorter side as the list has it, in pixels; 0 is off.
    package let minSide: Int
    /// Of image and text, as whoever made the list measured it; nil is off.
    package let minSimilarity: Double?
    /// Tags that are left out, whatever their case.
    package let nsfw: [String]
    /// The highest probability of an unsafe image; nil is off.
    package let maxUnsafe: Double?
    /// The highest probability of a watermark; nil is off.
    package let maxWatermark: Double?
    /// The lowest judgement of its looks; nil is off.
    package let minAesthetic: Double?
    /// Languages that are taken; none takes all.
    package let languages: [String]
    /// Characters of the longest caption; 0 is off.
    package let minCaptionLength: Int
    /// Characters of the shortest caption; 0 is off.
    package let maxCaptionLength: Int

    /// What a list must say so that this filter can judge its rows, by the filter's keys.
    package var needs: [(key: String, facts: [Fact])] {
        let all: [(String, [Fact], Bool)] = [
            ("min_side", [.width, .height], minSide > 0), ("min_similarity", [.similarity], minSimilarity != nil),
            ("nsfw", [.nsfw], !nsfw.isEmpty), ("max_unsafe", [.unsafe], maxUnsafe != nil),
            ("max_watermark", [.watermark], maxWatermark != nil), ("min_aesthetic", [.aesthetic], minAesthetic != nil),
            ("languages", [.language], !languages.isEmpty),
        ]
        return all.filter(\.2).map { ($0.0, $0.1) }
    }

    /// Takes every row.
    package static let none = RowFilter(
        minSide: 0, minSimilarity: nil, nsfw: [], maxUnsafe: nil, maxWatermark: nil, minAesthetic: nil, languages: [],
        minCaptionLength: 0, maxCaptionLength: 0)

    package init(
        minSide: Int, minSimilarity: Double?, nsfw: [String], maxUnsafe: Double?, maxWatermark: Double?,
        minAesthetic: Double?, languages: [String], minCaptionLength: Int, maxCaptionLength: Int
    ) {
        (self.minSide, self.minSimilarity, self.nsfw, self.maxUnsafe) = (minSide, minSimilarity, nsfw, maxUnsafe)
        (self.maxWatermark, self.minAesthetic, self.languages) = (maxWatermark, minAesthetic, languages)
        (self.minCaptionLength, self.maxCaptionLength) = (minCaptionLength, maxCaptionLength)
    }
}
