import LanguageModels
package import Layers
package import Tensors
import VisionLanguage

// Shape letters of this file: B images, S tokens of an image, E width of the image states, Q queries, D width of the
// Q-Former, L width of the language model's embeddings.

/// What BLIP-2's phase 2 (the paper's second stage) trains: a Q-Former's queries, and the map of what they say of an image to
/// embeddings that a language model is given.
///
/// It is made once, of parameters that record gradients or of a checkpoint for inference. All methods take dropout as an
/// explicit context, nil in inference.
///
/// Source: Li et al., "BLIP-2", 2023, section 3.3; LAVIS `lavis/models/blip2_models/blip2_opt.py` and `blip2_t5.py`;
/// transformers `models/blip_2/modeling_blip_2.py`, `Blip2ForConditionalGeneration`, whose names it has.
package struct PhaseTwoModel {
    package let configuration: PhaseTwoConfiguration
    private let imageNorm: LayerNorm
    private let qformer: QFormer
    private let projection: Linear

    /// The model of `weights`, which hold it by the names of the model hub.
    package init(_ configuration: PhaseTwoConfiguration, _ weights: Weights) throws(WeightsError) {
        let vision = configuration.vision
        self.configuration = configuration
        imageNorm = try LayerNorm(
            weights.scoped("vision_model.post_layernorm"), vision.encoder.vision.width,
            epsilon: vision.imageNormEpsilon)
        qformer = try QFormer(
            weights, vision.qformer, for: configuration.readsText ? .queriesAndText : .queries)
        projection = try Linear(
            weights.scoped("language_projection"), in: vision.qformer.width,
            out: configuration.language.embeddingWidth)
    }

    /// What the language model is given of images, from their encoder's states `[B, S, E]`: `[B, Q, L]`, float32 in training.
    ///
    /// `instructions`, token ids of the Q-Former's vocabulary for each image, are read together with its queries.
    package func describe(
        _ statesBSE: Tensor, instructions: [[Int]]? = nil, _ dropout: Dropout? = nil
    ) throws(TorchError) -> Tensor {
        let seen = try qformer.see(statesBSE, norm: imageNorm)
        guard let instructions else { return try projection(qformer.look(seen, dropout).states) }
        return try projection(qformer.match(instructions, [SeenGroup(seen)], dropout))
    }
}
