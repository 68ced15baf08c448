package import BLIP2Models
package import Images
import Layers
import ModelDescriptions
package import Tensors
import TextTokenizers
package import VisionLanguage

/// A BLIP-2 model of phase 1 as it is used: image encoder, Q-Former and tokenizer, from a folder in the hub's layout of
/// `Blip2ForImageTextRetrieval`.
package struct RetrievalModel: Sendable {
    /// The models, to be used inside `infer`.
    package struct Parts {
        package let encoder: ImageEncoder
        package let model: PhaseOneModel
    }

    /// The longest text in tokens, `[CLS]` and `[SEP]` counted, unless the model has fewer positions.
    ///
    /// Source: LAVIS `lavis/models/blip2_models/blip2.py`, `compute_sim_matrix`.
    package static let textLimit = 35

    /// What the model sees of an image: all of it, squashed.
    package let view: ImageView
    package let normalization: Normalization
    package let device: Device
    private let weights: SharedWeights<Parts>
    private let tokenizer: BERTWordPieceTokenizer
    private let positions: Int

    /// Loads the model in the folder `directory` onto `device`; blocks while it reads.
    package init(directory: String, precision: Precision = .auto, on device: Device) throws(ModelError) {
        let folder = try ModelDirectory(directory)
        let configuration = try folder.configuration("config.json", BLIP2Configuration.init(json:))
        view = .squashed(side: configuration.encoder.vision.imageSide)
        normalization = try folder.normalization(of: view)
        tokenizer = try folder.tokenizer(BERTWordPieceTokenizer.init(directory:))
        try checkFit(of: tokenizer, to: configuration, directory)
        if let obstacle = precision.obstacle(on: device) { throw ModelError(.badOption, directory, obstacle) }
        weights = try folder.load { checkpoint throws(WeightsError) in
            try Self.requirePhaseOne(checkpoint)
            let encoder = try ImageEncoder(checkpoint, configuration.encoder, precision, on: device)
            let own = Weights(checkpoint, precision, on: device).packed(rows: 512)
            let model = try PhaseOneModel(configuration, own, for: .retrieval)
            try preparing("device") { () throws(TorchError) in try device.synchronize() }
            return SharedWeights(Parts(encoder: encoder, model: model))
        }
        self.device = device
        positions = min(Self.textLimit, configuration.qformer.positions)
    }

    /// The token ids of `caption`, cleaned as in training, between `[CLS]` and `[SEP]`; what is too long is cut.
    package func tokens(of caption: String) -> [Int] {
        let tokens = tokenizer.encode(cleanedCaption(caption))
        return tokens.count <= positions ? tokens : tokens.prefix(positions - 1) + [tokenizer.separatorID]
    }

    /// Runs `body` on the models, without recording gradients; only values that may travel leave.
    package func infer<Value: Sendable, Failure: Error>(
        _ body: (Parts) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try weights.infer(body)
    }

    /// A BLIP-2 with a language model has neither of the heads that judge pairs.
    private static func requirePhaseOne(_ checkpoint: Checkpoint) throws(WeightsError) {
        let name = "itm_head.weight"
        guard checkpoint.shape(of: name) == nil else { return }
        throw WeightsError(
            code: .missing, file: checkpoint.files.first?.path ?? "", key: name,
            message: "a BLIP-2 model of phase 1 is needed, in the layout of Blip2ForImageTextRetrieval; this one has no"
                + " head for matching, as those with a language model")
    }
}

/// The kinds of models that judge captions.
package enum RankerKind: Sendable {
    /// CLIP: cosines alone.
    case clip
    /// BLIP-2's phase 1: cosines, logits of matching, or both.
    case phaseOne

    /// The kind of the model in `folder`, by the `model_type` of its `config.json`.
    package init(of folder: ModelDirectory) throws(ModelError) {
        self = try folder.configuration("config.json") { json throws(ConfigurationError) in
            let object = try ConfigurationObject(json: json)
            switch object.value("model_type") {
            case .text("clip"), nil: return .clip
            case .text("blip-2"): return .phaseOne
            case let other?:
                throw object.error(
                    "model_type", "\(other.shown), but captions are judged by models of type clip or blip-2")
            }
        }
    }
}
