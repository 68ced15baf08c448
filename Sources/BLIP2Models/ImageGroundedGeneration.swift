package import Layers
package import Tensors

// Shape letters of this file: B own pairs, N targets.

/// Image-grounded text generation (ITG): the text is written by what the queries tell of the image.
///
/// The result is these texts' share of the mean over `count` targets, those of the whole global batch, a scalar: the shares
/// of all processes and micro-batches of a step add up. With the number of processes times the own targets for `count` it
/// is LAVIS's mean of means. `smoothing` is the share of the target that is spread over the vocabulary.
///
/// Source: Li et al., "BLIP-2", 2023, section 3.1, "Image-grounded Text Generation"; LAVIS `blip2_qformer.py`,
/// `Blip2Qformer.forward`; `Qformer.py`, `BertLMHeadModel.forward`.
package func imageGroundedGenerationLoss(
    _ model: PhaseOneModel, _ texts: [[Int]], _ images: LookedAt, _ dropout: Dropout?, smoothing: Double = 0.1,
    of count: Int
) throws(TorchError) -> Tensor {
    // 1. The text begins with [DEC] in place of [CLS], which says what is to be done.
    let inputs = generationInputs(texts, startToken: model.configuration.startToken)
    // 2. Queries do not see the text, and a text token sees all queries and the text before it. Queries without text are
    //    what the contrastive objective computed already: their keys and values are used again, and with them the text
    //    learns of the image, for it does not attend to the image itself.
    // 3. The next token is asked for at every token; what fills a batch up is no target, and the last token has none
    //    behind it. Neither is computed.
    let logits = try model.generate(inputs, past: images, dropout)
    let targets = texts.flatMap { $0.dropFirst() }
    // 4. Cross-entropy, smoothed, over the targets of the whole global batch.
    let classes = try Tensor(targets, shape: [targets.count]).to(.int64, on: logits.device)
    return try crossEntropy(logits, classes, smoothing: smoothing) * (Double(targets.count) / Double(count))
}

/// What generation reads: each text with the start token for its first, but its last.
func generationInputs(_ texts: [[Int]], startToken: Int) -> [[Int]] {
    texts.map { text in
        precondition(text.count > 1, "a text has a first and a last token")
        return [startToken] + text.dropFirst().dropLast()
    }
}

/// How many tokens of `texts` generation asks for.
package func generationTargetCount(_ texts: [[Int]]) -> Int { texts.reduce(0) { $0 + $1.count - 1 } }
