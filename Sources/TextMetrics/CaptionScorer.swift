/// How good captions are, measured on their references.
package struct CaptionScores: Sendable, Equatable, Encodable {
    package let images: Int
    /// BLEU-1 to BLEU-4, 0 to 1.
    package let bleu: [Double]
    /// 0 to 1.
    package let rougeL: Double
    /// 0 to 10; nil for a single image, for which it is not defined.
    package let ciderD: Double?
    /// 0 to 1; nil where it was not computed.
    package internal(set) var meteor: Double?

    private enum CodingKeys: String, CodingKey {
        case images
        case bleu1 = "bleu_1"
        case bleu2 = "bleu_2"
        case bleu3 = "bleu_3"
        case bleu4 = "bleu_4"
        case rougeL = "rouge_l"
        case ciderD = "cider_d"
        case meteor
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(images, forKey: .images)
        for (key, value) in zip([CodingKeys.bleu1, .bleu2, .bleu3, .bleu4], bleu) {
            try container.encode(value, forKey: key)
        }
        try container.encode(rougeL, forKey: .rougeL)
        try container.encode(ciderD, forKey: .ciderD)
        try container.encodeIfPresent(meteor, forKey: .meteor)
    }
}

/// Scores the captions of a data set's images.
///
/// Words of all images are held in memory, as numbers; captions are not.
package struct CaptionScorer {
    private struct Image {
        let candidate: CaptionWords
        let references: [CaptionWords]
    }

    private var tokenizer = PTBTokenizer()
    private var numbers = WordNumbers()
    private var images: [Image] = []

    package init() {}

    /// Takes in an image's caption and what people wrote, at least one text.
    package mutating func add(_ caption: String, references: [String]) {
        precondition(!references.isEmpty, "an image without references cannot be scored")
        let read = ([caption] + references).map { numbers.caption(tokenizer.words(of: $0)) }
        images.append(Image(candidate: read[0], references: Array(read[1...])))
    }

    /// The scores of all images, and CIDEr-D of each.
    package func scores() -> (all: CaptionScores, ciderD: [Double]) {
        var (bleu, rouge, cider) = (Bleu(), 0.0, CiderD())
        for image in images {
            bleu.add(image.candidate.words, image.references.map(\.words))
            rouge += RougeL.score(image.candidate.tokens, image.references.map(\.tokens))
            cider.count(image.references.map(\.words))
        }
        let each = images.map { cider.score($0.candidate.words, $0.references.map(\.words)) }
        let count = Double(max(1, images.count))
        let all = CaptionScores(
            images: images.count, bleu: bleu.scores, rougeL: rouge / count,
            ciderD: images.count == 1 ? nil : each.reduce(0, +) / count)
        return (all, each)
    }
}
