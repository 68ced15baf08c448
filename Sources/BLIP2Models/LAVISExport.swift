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

    /// How this model differs from the one that LAVIS builds, which loads what fits and says nothing of the rest: what, here, and
    /// there.
    ///
    /// Source: LAVIS 1.0.2 `lavis/models/clip_vit.py`, `create_clip_vit_L` and `VisionTransformer` (22 layers, less one);
    /// `eva_vit.py`, `create_eva_vit_g`; `blip2_models/blip2.py`, `init_Qformer`; `blip2_opt.py` and `blip2_t5.py`, which
    /// take from the Q-Former what reads text.
    package var differences: [(what: String, here: String, there: String)] {
        let (vision, qformer) = (self.vision.encoder.vision, self.vision.qformer)
        let isCLIP = self.vision.encoder.kind == .clip
        let (encoder, bert) = ((isCLIP ? ImageEncoderConfiguration.vitL14 : .vitG14).vision, QFormerConfiguration())
        var readsText = "nothing"
        if case .phaseTwo(let configuration) = self, configuration.readsText { readsText = "questions" }
        let all: [(String, String, String)] = [
            ("blocks of the image encoder", "\(vision.layers)", isCLIP ? "21" : "\(encoder.layers)"),
            ("width of the image encoder", "\(vision.width)", "\(encoder.width)"),
            ("heads of the image encoder", "\(vision.heads)", "\(encoder.heads)"),
            ("activation of the image encoder", vision.activation.name, encoder.activation.name),
            ("layers of the Q-Former", "\(qformer.layers)", "\(bert.layers)"),
            ("width of the Q-Former", "\(qformer.width)", "\(bert.width)"),
            ("heads of the Q-Former", "\(qformer.heads)", "\(bert.heads)"),
            ("layers for each cross-attention", "\(qformer.crossFrequency)", "\(bert.crossFrequency)"),
            ("what the Q-Former reads", readsText, "nothing"),
        ]
        return all.filter { $1 != $2 }.map { (what: $0, here: $1, there: $2) }
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
            let own = try PhaseTwoLayout.hub.hubCheckpoint(of: checkpoint)
            let parameters = try FinetuneStart(own).tensors(configuration)
            for name in own.names where parameters[name] == nil && !PhaseTwoLayout.isFrozen(name) {
                throw WeightsError(
                    code: .unexpected, file: own.file(of: name), key: own.storedName(of: name),
                    message: "not a parameter of the model that config.json describes")
            }
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
