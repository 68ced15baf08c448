/// What `blip2 train stage1` trains, on what and how: its YAML file, with every default filled in.
///
/// docs/training-config.md explains every key.
package struct PhaseOneSettings: Sendable, Equatable {
    /// What the trained parameters are before the first step.
    package struct Start: Encodable, Sendable, Equatable {
        /// What `from` says where all parameters are drawn from the seed.
        package static let scratch = "scratch"

        /// A BERT, a trained phase-1 model (directories or hub ids), or `scratch`.
        package var from: String
        /// A BERT that gives the language model's head to a phase-1 model without one.
        package var head: String?
        /// The model whose vocabulary is used; nil is that of `from`.
        package var tokenizer: String?

        package init(from: String, head: String? = nil, tokenizer: String? = nil) {
            (self.from, self.head, self.tokenizer) = (from, head, tokenizer)
        }

        package var isScratch: Bool { from == Self.scratch }
    }

    /// Sizes of the Q-Former; nil is as the model has it that training starts from, or as the paper has it.
    package struct QFormer: Encodable, Sendable, Equatable {
        package var queries: Int?
        /// The width of the space in which images and texts are compared.
        package var jointWidth: Int?
        /// Every so many layers, from the first, queries attend to the image.
        package var crossAttentionFrequency: Int?
        package var layers: Int?
        package var width: Int?
        package var heads: Int?
        package var innerWidth: Int?
        /// The longest text in tokens that the model has positions for.
        package var positions: Int?
        /// How often hidden states and attention's weights are dropped in training.
        package var dropout: Double

        /// The sizes of what training starts from.
        package init(dropout: Double) { self.dropout = dropout }
    }

    /// What the file says whatever is trained.
    package var run: RunSettings
    package var start: Start
    package var qformer: QFormer

    package init(run: RunSettings, start: Start, qformer: QFormer) {
        (self.run, self.start, self.qformer) = (run, start, qformer)
    }
}

extension PhaseOneSettings: StageSettings {
    package var dropout: Double {
        get { qformer.dropout }
        set { qformer.dropout = newValue }
    }

    package static let order = [
        "version", "stage", "seed", "output", "processes", "device", "threads", "image_encoder", "start", "qformer",
        "data", "images", "captions", "losses", "training", "checkpoints", "validation",
    ]
    package static let changeable = ["image_encoder.model", "start.from", "start.head", "start.tokenizer"]

    private enum CodingKeys: String, CodingKey { case start, qformer }

    package func encode(to encoder: any Encoder) throws {
        try run.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(start, forKey: .start)
        try values.encode(qformer, forKey: .qformer)
    }
}
