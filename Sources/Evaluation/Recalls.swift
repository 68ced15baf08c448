/// How often a right answer is among the first 1, 5 and 10, of `count` questions.
package struct Recall: Sendable, Equatable, Encodable {
    package private(set) var count = 0
    private var hits: [Int] = Recall.depths.map { _ in 0 }

    /// The depths that are asked about.
    package static let depths = [1, 5, 10]

    package init() {}

    /// Takes in `weight` questions whose first right answer has `place`, counted from 0.
    package mutating func add(place: Int, weight: Int = 1) {
        count += weight
        for (number, depth) in Self.depths.enumerated() where place < depth { hits[number] += weight }
    }

    /// The share, 0 to 1, of the questions with a right answer among the first `depth`, one of `depths`.
    package func at(_ depth: Int) -> Double {
        guard let number = Self.depths.firstIndex(of: depth) else { preconditionFailure("no recall at \(depth)") }
        return count == 0 ? 0 : Double(hits[number]) / Double(count)
    }

    private enum CodingKeys: String, CodingKey {
        case count
        case at1 = "recall_at_1"
        case at5 = "recall_at_5"
        case at10 = "recall_at_10"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(count, forKey: .count)
        try container.encode(at(1), forKey: .at1)
        try container.encode(at(5), forKey: .at5)
        try container.encode(at(10), forKey: .at10)
    }
}

/// Recall in both directions.
package struct Recalls: Sendable, Equatable, Encodable {
    /// Of images that ask for their captions.
    package var imageToText = Recall()
    /// Of captions that ask for their image.
    package var textToImage = Recall()

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case imageToText = "image_to_text"
        case textToImage = "text_to_image"
    }
}

/// The place of the first right answer among `answers`, counted from 0: every wrong one that scores as much stands before it.
///
/// Nil where no answer is right.
package func firstRightPlace(_ answers: some Sequence<(score: Float, isRight: Bool)>) -> Int? {
    var best: Float?
    for answer in answers where answer.isRight { best = max(best ?? answer.score, answer.score) }
    return best.map { best in answers.reduce(0) { $0 + (!$1.isRight && $1.score >= best ? 1 : 0) } }
}
