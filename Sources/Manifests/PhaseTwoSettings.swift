/// What `blip2 train stage2` trains, on what and how: its YAML file, with every default filled in.
///
/// docs/training-config.md explains every key.
package struct PhaseTwoSettings: Sendable, Equatable {
    /// What the trained parameters are before the first step.
    package struct Start: Encodable, Sendable, Equatable {
        /// A trained phase-1 model: a directory or a hub id.
        package var from: String
    }

    /// The frozen part that writes.
    package struct LanguageModel: Encodable, Sendable, Equatable {
        /// Which part of a caption a model with an encoder is given.
        package enum Split: String, Encodable, Sendable, CaseIterable {
            /// The first words, as many as are drawn.
            case prefix
            /// `captions.prompt` alone.
            case prompt
        }

        /// An OPT or T5: a directory in the hub's layout, or a hub id.
        package var model: String
        /// Never int8.
        package var precision: Manifest.Precision
        package var split: Split
        /// Marks behind which a caption is split, whatever `split` says; none is the default.
        package var splitAfter: [String]
        /// Whether activations are computed again in the backward pass, to save memory.
        package var recompute: Bool
    }

    /// What may be said of the Q-Former, whose sizes are those of `start.from`.
    package struct QFormer: Encodable, Sendable, Equatable {
        /// How often hidden states and attention's weights are dropped in training.
        package var dropout: Double
    }

    /// What the file says whatever is trained.
    package var run: RunSettings
    package var start: Start
    package var languageModel: LanguageModel
    package var qformer: QFormer
}

extension PhaseTwoSettings: StageSettings {
    package var dropout: Double {
        get { qformer.dropout }
        set { qformer.dropout = newValue }
    }

    package static let order = [
        "version", "stage", "seed", "output", "processes", "device", "threads", "image_encoder", "start",
        "language_model", "qformer", "data", "images", "captions", "losses", "training", "checkpoints", "validation",
    ]
    package static let changeable = [
        "image_encoder.model", "start.from", "language_model.model", "language_model.recompute",
    ]

    private enum CodingKeys: String, CodingKey { case start, languageModel, qformer }

    package func encode(to encoder: any Encoder) throws {
        try run.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(start, forKey: .start)
        try values.encode(languageModel, forKey: .languageModel)
        try values.encode(qformer, forKey: .qformer)
    }
}
