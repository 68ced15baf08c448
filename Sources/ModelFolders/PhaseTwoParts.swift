import BLIP2Models
import LanguageModels
import Layers
import Tensors

/// The three parts of a phase-2 model's checkpoint.
struct PhaseTwoParts {
    let encoder: Checkpoint
    private let queries: Checkpoint
    private let language: Checkpoint

    /// Divides `checkpoint`, in any of the layouts of `PhaseTwoLayout`.
    ///
    /// Throws where it holds something that `configuration`'s model does not have.
    init(of checkpoint: Checkpoint, _ configuration: PhaseTwoConfiguration) throws(WeightsError) {
        let layout = try requirePhaseTwo(checkpoint)
        let whole = try layout.hubCheckpoint(of: checkpoint)
        let prefix = "language_model."
        language = whole.renamed { $0.hasPrefix(prefix) ? $0 : nil }
        encoder = whole.renamed { !$0.hasPrefix(prefix) && PhaseTwoLayout.isFrozen($0) ? $0 : nil }
        queries = whole.renamed { PhaseTwoLayout.isFrozen($0) ? nil : $0 }
        guard layout == .hub else { return }
        // An encoder by its own may have blocks that are left out; a model that was written whole has none.
        let known = Set(configuration.vision.encoder.hubShapes.map(\.0))
        guard let other = encoder.names.first(where: { $0.hasPrefix("vision_model.") && !known.contains($0) }) else {
            return
        }
        throw WeightsError(
            code: .unexpected, file: encoder.file(of: other), key: encoder.storedName(of: other),
            message: "not a parameter of the image encoder that vision_config describes")
    }

    /// Queries and projection, in float32.
    func queries(_ configuration: PhaseTwoConfiguration, on device: Device) throws(WeightsError) -> PhaseTwoModel {
        let weights = Weights(queries, DType.float32, on: device).packed(rows: configuration.vision.qformer.queries)
        let model = try PhaseTwoModel(configuration, weights)
        try weights.finish { _ in false }
        return model
    }

    /// The language model, fit for inference.
    func language(
        _ configuration: PhaseTwoConfiguration, _ precision: Precision, on device: Device
    ) throws(WeightsError) -> any LanguageModel {
        // Ten captions an image, or five beams of a prompt, is what it usually runs.
        let weights = Weights(language, precision, on: device).packed(rows: 10)
        let model = try configuration.language.model(weights.scoped("language_model"))
        try weights.finish(ignoring: configuration.language.isHarmless)
        return model
    }
}

/// The layout of `checkpoint`; throws where it has no language model.
func requirePhaseTwo(_ checkpoint: Checkpoint) throws(WeightsError) -> PhaseTwoLayout {
    guard let layout = PhaseTwoLayout(of: checkpoint) else {
        throw WeightsError(
            code: .missing, file: checkpoint.files.first?.path ?? "", key: "language_projection.weight",
            message: "a BLIP-2 model with a language model is needed, in the layout of Blip2ForConditionalGeneration;"
                + " this one has no map into a language model, as those of phase 1")
    }
    return layout
}
