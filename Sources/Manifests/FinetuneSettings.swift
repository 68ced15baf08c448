/// What `blip2 train finetune` trains, for what and how: its YAML file, with every default filled in.
///
/// docs/training-config.md explains every key.
package struct FinetuneSettings: Sendable, Equatable {
    /// What the trained parameters are before the first step.
    package struct Start: Encodable, Sendable, Equatable {
        /// A model of phase 2, for retrieval of phase 1: a directory or a hub id.
        package var from: String
        /// For questions, the phase-1 model whose Q-Former reads them; nil where `from` reads questions.
        package var phaseOne: String?
        /// For retrieval, a BERT that gives the language model's head to a model without one.
        package var head: String?
        /// The model whose vocabulary the Q-Former reads with; nil is that of the phase-1 model.
        package var tokenizer: String?

        private enum CodingKeys: String, CodingKey {
            case from, head, tokenizer
            case phaseOne = "phase1"
        }
    }

    /// The frozen part that writes: the language model of `start.from`.
    package struct LanguageModel: Encodable, Sendable, Equatable {
        /// Never int8.
        package var precision: Manifest.Precision
        /// Whether activations are computed again in the backward pass, to save memory.
        package var recompute: Bool
    }

    /// What the file says whatever is trained.
    package var run: RunSettings
    package var start: Start
    /// Nil in retrieval.
    package var languageModel: LanguageModel?
    package var qformer: PhaseTwoSettings.QFormer

    package var task: RunSettings.Task { run.task ?? .captioning }
}

extension FinetuneSettings: StageSettings {
    package var dropout: Double {
        get { qformer.dropout }
        set { qformer.dropout = newValue }
    }

    package static let order = [
        "version", "task", "seed", "output", "processes", "device", "threads", "image_encoder", "start",
        "language_model", "qformer", "data", "images", "captions", "answers", "losses", "training", "checkpoints",
        "validation",
    ]
    package static let changeable = [
        "image_encoder.model", "image_encoder.recompute", "start.from", "start.phase1", "start.head",
        "start.tokenizer", "language_model.recompute",
    ]

    private enum CodingKeys: String, CodingKey { case start, languageModel, qformer }

    package func encode(to encoder: any Encoder) throws {
        try run.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(start, forKey: .start)
        try values.encodeIfPresent(languageModel, forKey: .languageModel)
        try values.encode(qformer, forKey: .qformer)
    }
}
