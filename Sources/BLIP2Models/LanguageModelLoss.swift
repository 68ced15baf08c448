package import LanguageModels
package import Tensors

// Shape letters of this file: B rows, Q queries, L width of an embedding.

/// The loss of a frozen language model that writes texts behind what queries say of images: phase 2's only objective.
///
/// `queriesBQL` is nil where the model is given no image. The result is these texts' share of the mean over `count` targets,
/// those of the whole global batch, a scalar: the shares of all processes and micro-batches add up.
///
/// Source: Li et al., "BLIP-2", 2023, section 3.3; LAVIS `blip2_opt.py`, `Blip2OPT.forward`, and `blip2_t5.py`,
/// `Blip2T5.forward`.
package func languageModelLoss(
    _ language: any LanguageModel, _ queriesBQL: Tensor?, _ samples: [LanguageSample], of count: Double
) throws(TorchError) -> Tensor {
    // 1. Soft visual prompts: queries stand before the words, as embeddings of their own.
    let isGiven = samples.contains { !$0.given.isEmpty }
    let words = isGiven ? try language.embed(samples.map(\.given), padding: .right) : nil
    let given: PaddedEmbeddings
    switch (queriesBQL, words) {
    case (let queries?, let words?):
        given = try PaddedEmbeddings(queries.to(language.words.dtype)).followed(by: words)
    case (let queries?, nil): given = PaddedEmbeddings(try queries.to(language.words.dtype))
    case (nil, let words?): given = words
    case (nil, nil): preconditionFailure("without an image a model is given words")
    }
    // 2. A decoder writes the text behind them; of a model with an encoder, that reads them and the decoder writes.
    //    What was given is no target.
    return try language.loss(given, samples.map(\.target), divisor: count)
}
