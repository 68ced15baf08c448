package import Foundation
package import Layers
package import ModelDescriptions

/// The description of a language model of either kind.
package enum LanguageModelConfiguration: Sendable, Equatable {
    case opt(OPTConfiguration)
    case t5(T5Configuration)

    /// Reads the configuration file `json` of a language model.
    package init(json: Data) throws(ConfigurationError) {
        try self.init(ConfigurationObject(json: json))
    }

    /// Reads the description `object`, such as `text_config` of a BLIP-2 model's.
    package init(_ object: ConfigurationObject) throws(ConfigurationError) {
        switch object.value("model_type") {
        case .text("opt")?: self = .opt(try OPTConfiguration(object))
        case .text("t5")?: self = .t5(try T5Configuration(object))
        case let value?: throw object.error("model_type", "\(value.shown), but opt or t5 is needed here")
        case nil: throw object.error("model_type", "missing: opt or t5")
        }
    }

    /// The family's name.
    package var family: String {
        switch self {
        case .opt: "OPT"
        case .t5: "T5"
        }
    }

    /// Whether the model has no encoder: it writes behind what it is given.
    package var isDecoder: Bool {
        switch self {
        case .opt: true
        case .t5: false
        }
    }

    /// The width of an embedding that the model is given.
    package var embeddingWidth: Int {
        switch self {
        case .opt(let opt): opt.wordWidth
        case .t5(let t5): t5.width
        }
    }

    package var vocabulary: Int {
        switch self {
        case .opt(let opt): opt.vocabulary
        case .t5(let t5): t5.vocabulary
        }
    }

    /// The token that ends a text.
    package var endToken: Int {
        switch self {
        case .opt(let opt): opt.endToken
        case .t5(let t5): t5.endToken
        }
    }

    /// The tokens that texts begin and end with.
    package var specialTokens: [Int] { (beginning ?? []) + [endToken] }

    /// What the decoder of a model with an encoder begins every text with; nil where a text goes on from what is given.
    package var beginning: [Int]? {
        switch self {
        case .opt: nil
        case .t5(let t5): [t5.startToken]
        }
    }

    /// The model of `weights`, whose tensors have the names that the hub gives them.
    ///
    /// Packed weights (`Weights.packed`) make it faster and fit for inference alone; with others gradients flow through it
    /// to its embeddings, and with parameters to train to those too.
    package func model(_ weights: Weights) throws(WeightsError) -> any LanguageModel {
        switch self {
        case .opt(let configuration): try OPT(weights, configuration)
        case .t5(let configuration): try T5(weights, configuration)
        }
    }

    /// Whether a tensor of a checkpoint, by its whole name, says nothing.
    package func isHarmless(_ key: String) -> Bool {
        switch self {
        case .opt: OPT.isHarmless(key)
        case .t5: T5.isHarmless(key)
        }
    }
}
