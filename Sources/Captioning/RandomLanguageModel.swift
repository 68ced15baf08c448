import BLIP2Models
import Files
import Foundation
package import LanguageModels
import Layers
import Tensors

/// A published language model, of which a random one may have the sizes.
package enum LanguageModelSize: String, Sendable, CaseIterable {
    case opt125M = "opt-125m"
    case opt2_7B = "opt-2.7b"
    case flanT5Small = "flan-t5-small"
    case flanT5Base = "flan-t5-base"
    case flanT5XL = "flan-t5-xl"

    /// Source: `config.json` of facebook/opt-… and google/flan-t5-….
    package var configuration: LanguageModelConfiguration {
        switch self {
        case .opt125M: .opt(OPTConfiguration())
        case .opt2_7B: .opt(Self.opt(width: 2560, layers: 32, heads: 32))
        case .flanT5Small: .t5(Self.flan(width: 512, inner: 1024, layers: 8, heads: 6))
        case .flanT5Base: .t5(Self.flan(width: 768, inner: 2048, layers: 12, heads: 12))
        case .flanT5XL: .t5(Self.flan(width: 2048, inner: 5120, layers: 24, heads: 32))
        }
    }

    private static func opt(width: Int, layers: Int, heads: Int) -> OPTConfiguration {
        var opt = OPTConfiguration()
        (opt.width, opt.wordWidth, opt.innerWidth, opt.layers, opt.heads) = (width, width, 4 * width, layers, heads)
        return opt
    }

    private static func flan(width: Int, inner: Int, layers: Int, heads: Int) -> T5Configuration {
        var t5 = T5Configuration()
        (t5.isGated, t5.activation, t5.isTied) = (true, .geluTanh, false)
        (t5.width, t5.innerWidth, t5.heads) = (width, inner, heads)
        (t5.encoderLayers, t5.decoderLayers) = (layers, layers)
        return t5
    }
}

extension RandomCheckpoint {
    /// Writes a language model of the sizes `size`, bfloat16, into the folder `directory`, unless one is there.
    ///
    /// Its tokenizer has a few hundred tokens: the others are never met in text.
    package static func writeLanguageModel(_ size: LanguageModelSize, to directory: String) throws {
        guard !FileManager.default.fileExists(atPath: directory + "/config.json") else { return }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let weights = Weights.recording()
        let values: [String: Any]
        switch size.configuration {
        case .opt(let opt):
            _ = try RandomWords(.opt, to: directory)
            values = opt.values
        case .t5(let t5):
            _ = try RandomWords(.t5, to: directory)
            values = t5.values
        }
        _ = try size.configuration.model(weights)
        try writeWeights(weights.recorded.map { randomTensor($0.name, $0.shape) }, to: directory)
        let json = try JSONSerialization.data(withJSONObject: values, options: [.prettyPrinted, .sortedKeys])
        try writeFile(json, to: directory + "/config.json")  // last: with it all is there
    }
}
