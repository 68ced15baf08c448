package import Tensors

// Shape letters of this file: B own pairs, N pairs of the global batch, Q queries, J width of the joint space.

/// All pairs of a step's global batch, as keys that the contrastive objective compares with: those of every process and
/// of every micro-batch, in one order.
package struct Candidates {
    /// The images' vectors `[N, Q, J]`, float32, without gradients.
    let images: Tensor
    /// The texts' vectors `[N, J]`, float32, without gradients.
    let texts: Tensor
    /// Pairs of equal images have equal labels: they are never each other's negatives.
    package let labels: [Int]

    /// Keys carry no gradient, one's own neither: what is given is detached here.
    package init(images: Tensor, texts: Tensor, labels: [Int]) throws(TorchError) {
        precondition(images.shape[0] == labels.count && texts.shape[0] == labels.count, "one label a pair")
        self.images = try images.detached()
        self.texts = try texts.detached()
        self.labels = labels
    }

    package var count: Int { labels.count }

    /// Throws unless every one of the pairs `own` has a negative.
    func requireNegatives(_ own: Range<Int>) throws(PhaseOneError) {
        guard let first = labels.first, let pair = own.first else { return }
        // A pair without a negative has the only label that there is.
        guard labels.allSatisfy({ $0 == first }) else { return }
        throw PhaseOneError(code: .noNegative, pair: pair)
    }

    /// How many of the pairs `own` have another pair with the same image.
    package func sameImagePairs(_ own: Range<Int>) -> Int {
        var counts: [Int: Int] = [:]
        for label in labels { counts[label, default: 0] += 1 }
        return own.count { counts[labels[$0], default: 0] > 1 }
    }
}

/// How similar a process's own pairs are to all candidates, in units of the temperature; with gradients to the own side
/// alone.
package struct Similarities {
    /// Of each own image to each text, `[B, N]`.
    package let imageToText: Tensor
    /// Of each own text to each image, `[B, N]`.
    package let textToImage: Tensor
    /// Which of the candidates are the own pairs.
    package let own: Range<Int>

    init(imageToText: Tensor, textToImage: Tensor, own: Range<Int>) {
        (self.imageToText, self.textToImage) = (imageToText, textToImage)
        self.own = own
    }

    /// The similarity of an image and a text is the largest among the image's queries.
    ///
    /// One product for each direction, in float32 whatever precision the model runs in.
    package init(
        images: Tensor, texts: Tensor, to candidates: Candidates, own: Range<Int>, temperature: Tensor
    ) throws(TorchError) {
        precondition(images.shape[0] == own.count && own.upperBound <= candidates.count, "own pairs are candidates")
        let (pairs, queries, joint, count) = (own.count, images.shape[1], images.shape[2], candidates.count)
        let byQuery = try images.reshaped([pairs * queries, joint])
            .exactlyTimes(candidates.texts.permuted([1, 0])).reshaped([pairs, queries, count])
        let byImage = try texts.exactlyTimes(candidates.images.reshaped([count * queries, joint]).permuted([1, 0]))
            .reshaped([pairs, count, queries])
        imageToText = try byQuery.permuted([0, 2, 1]).maximum() / temperature
        textToImage = try byImage.maximum() / temperature
        self.own = own
    }
}
