package import Layers
package import Tensors
import VisionLanguage

// Shape letters of this file: B images or texts, R rows, S tokens of an image, E width of the image states, Q queries,
// D width of the Q-Former, J width of the joint space, V vocabulary, N targets.

/// BLIP-2's phase 1 (the paper's first stage) behind a frozen image encoder: a Q-Former with the heads of its three
/// objectives.
///
/// It is made once, of parameters that record gradients or of a checkpoint for inference. All methods take dropout as an
/// explicit context, nil in inference.
///
/// Source: LAVIS `lavis/models/blip2_models/blip2_qformer.py`, `Blip2Qformer`; transformers
/// `models/blip_2/modeling_blip_2.py`, `Blip2ForImageTextRetrieval`, whose names it has; the head of the language model and
/// the temperature, which that class lacks, have LAVIS's.
package struct PhaseOneModel {
    /// What a model is made for.
    package enum Use: Sendable {
        /// All three objectives.
        case training
        /// Comparing and matching images and texts: no head for generation, no temperature.
        case retrieval
    }

    package let configuration: BLIP2Configuration
    package let qformer: QFormer
    private let imageNorm: LayerNorm
    private let imageProjection: Linear
    private let textProjection: Linear
    private let matchHead: Linear
    private let generation: (head: LanguageHead, temperature: Tensor)?

    /// The model of `weights`, which hold it by the names of the model hub.
    package init(
        _ configuration: BLIP2Configuration, _ weights: Weights, for use: Use = .training
    ) throws(WeightsError) {
        let (width, joint) = (configuration.qformer.width, configuration.jointWidth)
        self.configuration = configuration
        imageNorm = try LayerNorm(
            weights.scoped("vision_model.post_layernorm"), configuration.encoder.vision.width,
            epsilon: configuration.imageNormEpsilon)
        qformer = try QFormer(weights, configuration.qformer)
        guard let words = qformer.embeddings?.words else { preconditionFailure("phase 1 reads text") }
        imageProjection = try Linear(weights.scoped("vision_projection"), in: width, out: joint)
        textProjection = try Linear(weights.scoped("text_projection"), in: width, out: joint)
        matchHead = try Linear(weights.scoped("itm_head"), in: width, out: 2)
        switch use {
        case .training:
            let head = try LanguageHead(weights.scoped("cls.predictions"), configuration.qformer, words: words)
            generation = (head, try weights.tensor("temp", []))
        case .retrieval: generation = nil
        }
    }

    /// What contrastive similarities are divided by, a scalar.
    package var temperature: Tensor {
        guard let generation else { preconditionFailure("a model for retrieval has no temperature") }
        return generation.temperature
    }

    /// Images, from their encoder's states `[B, S, E]`, as queries see them: made once and shared by all passes.
    package func see(_ statesBSE: Tensor) throws(TorchError) -> SeenByQueries {
        try qformer.see(statesBSE, norm: imageNorm)
    }

    /// Images as their queries describe them.
    package func look(_ images: SeenByQueries, _ dropout: Dropout? = nil) throws(TorchError) -> LookedAt {
        let (states, past) = try qformer.look(images, dropout)
        return LookedAt(
            vectors: try imageProjection(states).to(.float32).normalized(), states: states, past: past)
    }

    /// The unit vectors `[B, J]`, float32, of texts of token ids, `[CLS]` first and without padding.
    package func read(_ texts: [[Int]], _ dropout: Dropout? = nil) throws(TorchError) -> Tensor {
        try textProjection(qformer.read(texts, dropout)).to(.float32).normalized()
    }

    /// Two logits a row, `[R, 2]`, float32: that a text does not belong to its image, and that it does.
    ///
    /// The rows are those of the first group, then those of the next.
    package func match(
        _ texts: [[Int]], _ groups: [SeenGroup], _ dropout: Dropout? = nil
    ) throws(TorchError) -> Tensor {
        let statesRQD = try qformer.match(texts, groups, dropout)
        // The mean over the queries; it is taken over the last dimension.
        let logitsR2Q = try matchHead(statesRQD).to(.float32).permuted([0, 2, 1])
        let shape = logitsR2Q.shape
        return try logitsR2Q.summed().reshaped([shape[0], 2]) * (1 / Double(shape[2]))
    }

    /// The logits `[N, V]`, float32, of the token behind each token of `texts`, which follow the queries of `past`.
    package func generate(
        _ texts: [[Int]], past: LookedAt, _ dropout: Dropout? = nil
    ) throws(TorchError) -> Tensor {
        guard let generation else { preconditionFailure("a model for retrieval has no head for generation") }
        return try generation.head(qformer.generate(texts, past: past.past, dropout))
    }
}

/// Images after their queries have looked at them.
package struct LookedAt {
    /// The queries' unit vectors in the joint space, `[B, Q, J]`, float32.
    package let vectors: Tensor
    /// The queries' states behind the last layer, `[B, Q, D]`.
    package let states: Tensor
    /// The queries' keys and values in each layer.
    let past: [OwnKeysValues]

    /// The same as constants, to which no gradients flow.
    package func detached() throws(TorchError) -> LookedAt {
        var constants: [OwnKeysValues] = []
        for own in past {
            constants.append(OwnKeysValues(keys: try own.keys.detached(), values: try own.values.detached()))
        }
        return LookedAt(vectors: try vectors.detached(), states: try states.detached(), past: constants)
    }
}

/// BERT's head: a map, a norm, and the word table.
///
/// Source: LAVIS `lavis/models/blip2_models/Qformer.py`, `BertLMPredictionHead`.
struct LanguageHead {
    private let transform: Linear
    private let norm: LayerNorm
    private let words: Linear  // [V, D]: the word table
    private let activation: Activation

    init(_ weights: Weights, _ configuration: QFormerConfiguration, words: Tensor) throws(WeightsError) {
        let width = configuration.width
        transform = try Linear(weights.scoped("transform.dense"), in: width, out: width)
        norm = try LayerNorm(weights.scoped("transform.LayerNorm"), width, epsilon: configuration.epsilon)
        let bias = try weights.tensor("bias", [configuration.vocabulary])
        self.words = try preparing("bias") { () throws(TorchError) in
            try Linear(weight: words, bias: bias, packingRows: weights.packingRows)
        }
        activation = configuration.activation
    }

    /// The logits `[..., V]`, float32, of the token after each state `[..., D]`.
    func callAsFunction(_ states: Tensor) throws(TorchError) -> Tensor {
        try words(norm(transform(states, activation))).to(.float32)
    }
}
