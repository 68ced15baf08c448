package import BLIP2Models
package import Tensors

// Shape letters of this file: B images, Q queries an image, J width of the joint space, T texts, S tokens of an image,
// E width of the image states.

/// How well a phase-1 model finds captions for images and images for captions.
package struct RetrievalResult: Sendable, Equatable, Encodable {
    /// Images of different bytes.
    package let images: Int
    /// Captions, each once an image.
    package let captions: Int
    /// How many answers to each question were ranked again.
    package let candidates: Int
    /// How many pairs of image and text were matched.
    package let matchedPairs: Int
    /// By the contrastive similarity alone.
    package let contrastive: Recalls
    /// By similarity and logit of matching, the candidates of each question.
    package let reranked: Recalls

    package init(_ ranking: RetrievalRanking, _ pairs: [[Int]], _ logits: [[Float]]) throws(EvaluationError) {
        (images, captions, candidates) = (ranking.set.imageCount, ranking.set.rows.count, ranking.candidates)
        matchedPairs = pairs.reduce(0) { $0 + $1.count }
        contrastive = ranking.contrastive
        reranked = try ranking.reranked(pairs, logits)
    }

    private enum CodingKeys: String, CodingKey {
        case images, captions, candidates
        case matchedPairs = "matched_pairs"
        case contrastive = "itc"
        case reranked = "itm"
    }
}

/// How similar images are to texts: the cosine of each text, `vectorsTJ`, and the nearest of an image's queries,
/// `vectorsBQJ`; a row of T numbers for each image.
package func similarities(_ vectorsBQJ: Tensor, _ vectorsTJ: Tensor) throws(TorchError) -> [Float] {
    let (images, queries, joint) = (vectorsBQJ.shape[0], vectorsBQJ.shape[1], vectorsBQJ.shape[2])
    let byQuery = try vectorsBQJ.reshaped([images * queries, joint]).exactlyTimes(vectorsTJ.permuted([1, 0]))
    return try byQuery.reshaped([images, queries, vectorsTJ.shape[0]]).permuted([0, 2, 1]).maximum().floats()
}

/// Evaluates `model` on `set` in one thread, without a pool of engines: what `RetrievalEvaluation` is compared with.
///
/// `states` gives the image encoder's states `[B, S, E]` of the images of a range, `block` at a time; it is asked twice
/// for each image.
package func evaluateRetrieval(
    of model: PhaseOneModel, on set: RetrievalSet, candidates: Int = 128, block: Int = 16,
    states: (Range<Int>) throws -> Tensor
) throws -> RetrievalResult {
    try inference {
        let width = model.configuration.jointWidth
        let read = try model.textVectors(set.texts)
        let texts = try Tensor(read.flatMap(\.self), shape: [read.count, width])
        var ranking = RetrievalRanking(set, candidates: candidates)
        let blocks = stride(from: 0, to: set.imageCount, by: block).map { $0..<min($0 + block, set.imageCount) }
        for images in blocks {
            let looked = try model.look(model.see(states(images)))
            try ranking.add(similarities(looked.vectors.to(.float32, on: .cpu), texts))
        }
        let pairs = ranking.pairs()
        var logits: [[Float]] = []
        for images in blocks {
            let seen = try model.see(states(images))
            for (place, image) in images.enumerated() {
                logits.append(
                    try model.matchLogits(seen.selecting([place]), pairs[image].map { set.texts[$0] }))
            }
        }
        return try RetrievalResult(ranking, pairs, logits)
    }
}
