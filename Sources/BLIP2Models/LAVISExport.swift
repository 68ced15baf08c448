package import Foundation
import LanguageModels
package import Layers
package import ModelDescriptions
package import Tensors
import VisionLanguage

/// A BLIP-2 in the hub's layout, to be written as LAVIS's own files are: by its names, and without a language model.
package enum LAVISExport {
    /// `Blip2Qformer`.
    case phaseOne(BLIP2Configuration)
    /// `Blip2OPT` or `Blip2T5`; also fine-tuned.
    case phaseTwo(PhaseTwoConfiguration)

    /// The model that `json`, a `config.json`, describes.
    package init(json: Data, hasLanguageModel: Bool) throws(ConfigurationError) {
        self =
            hasLanguageModel
            ? .phaseTwo(try PhaseTwoConfiguration(json: json)) : .phaseOne(try BLIP2Configuration(json: json))
    }

    /// LAVIS's name of its class.
    package var className: String {
        switch self {
        case .phaseOne: "Blip2Qformer"
        case .phaseTwo(let configuration): configuration.language.isDecoder ? "Blip2OPT" : "Blip2T5"
        }
    }

    /// What must be changed in LAVIS before it computes with this model's image encoder as it is; nil where nothing must.
    ///
    /// Source: LAVIS 1.0.2 `lavis/models/clip_vit.py`, `create_clip_vit_L` and `VisionTransformer`: 22 layers, less one.
    package var remark: String? {
        let encoder = vision.encoder
        let (blocks, known) = (encoder.vision.layers, 21)
        guard encoder.kind == .clip, blocks != known else { return nil }
        return
            "CLIP's image encoder has \(blocks) blocks here and \(known) in LAVIS, which does not notice: in "
            + "lavis/models/clip_vit.py, create_clip_vit_L, set layers to \(blocks + 1)"
    }

    private var vision: BLIP2Configuration {
        switch self {
        case .phaseOne(let configuration): configuration
        case .phaseTwo(let configuration): configuration.vision
        }
    }

    /// The parameters beside the image encoder's and the language model's, by LAVIS's names, in float32.
    ///
    /// - Throws: Where `checkpoint` lacks one, has another size of it, or holds what no such model has.
    package func tensors(of checkpoint: Checkpoint) throws(WeightsError) -> [String: Tensor] {
        switch self {
        case .phaseOne(let configuration):
            let parameters = try PhaseOneStart.model(checkpoint).tensors(configuration)
            return PhaseOneLayout.lavis.named(parameters)
        case .phaseTwo(let configuration):
            let layout = PhaseTwoLayout.lavis(configuration.language.isDecoder ? .opt : .t5)
            let parameters = try FinetuneStart(PhaseTwoLayout.hub.hubCheckpoint(of: checkpoint)).tensors(configuration)
            return Dictionary(uniqueKeysWithValues: parameters.map { (layout.name($0.key), $0.value) })
        }
    }

    /// The image encoder's parameters that run, by LAVIS's names, as they are stored.
    ///
    /// - Throws: Where `checkpoint` lacks one, or has another size of it.
    package func imageEncoder(of checkpoint: Checkpoint) throws(WeightsError) -> [String: Tensor] {
        try vision.encoder.lavisTensors(of: checkpoint)
    }
}
