package import Tensors

extension HardNegatives {
    /// Which of the negatives' images are not among the pairs `own`, each once.
    ///
    /// Of these another process or micro-batch has to give its encoder's states. Nothing else has to be exchanged.
    package func foreignImages(_ own: Range<Int>) -> [Int] {
        var known: Set<Int> = []
        return images.filter { !own.contains($0) && known.insert($0).inserted }
    }
}

extension PhaseOneModel {
    /// The images of `negatives` as queries see them, in their order.
    ///
    /// Keys and values of own images, `seen`, are used again. The norm and the maps that make them of foreign images'
    /// states `[F, S, E]`, those of `foreignImages` in its order, are applied here, where the gradient of their
    /// parameters is needed: none flows to where the states came from.
    package func see(
        _ negatives: HardNegatives, own: Range<Int>, seen: SeenByQueries, foreign: Tensor?
    ) throws(TorchError) -> SeenByQueries {
        let others = negatives.foreignImages(own)
        precondition(others.count == foreign?.shape[0] ?? 0, "the states of \(others.count) foreign images")
        let places = Dictionary(uniqueKeysWithValues: others.enumerated().map { ($1, own.count + $0) })
        let chosen = negatives.images.map { places[$0] ?? $0 - own.lowerBound }
        guard let foreign else { return try seen.selecting(chosen) }
        return try seen.followed(by: see(foreign)).selecting(chosen)
    }
}
