package import Foundation
package import LanguageModels
package import ModelDescriptions

/// The sizes of a BLIP-2 model of phase 2: an image encoder, a Q-Former's queries, and a language model.
package struct PhaseTwoConfiguration: Sendable, Equatable {
    /// Image encoder and Q-Former.
    package var vision: BLIP2Configuration
    package var language: LanguageModelConfiguration
    /// The language model's own description, as it was read.
    package var languageJSON: Data
    /// The token that transformers has stand for a query, beyond those of the tokenizer; nil where the language model has no
    /// word to spare.
    package var imageToken: Int?
    /// Whether the weights have a head that is no copy of the word table, as FlanT5's have; nil leaves what is said of it as
    /// it is.
    package var hasOwnHead: Bool?
    /// Whether the Q-Former reads text too, such as a question.
    package var readsText = false

    /// The model that joins `vision` to the language model that `languageJSON`, its `config.json`, describes.
    package init(
        _ vision: BLIP2Configuration, languageJSON: Data, imageToken: Int?, hasOwnHead: Bool?
    ) throws(ConfigurationError) {
        (self.vision, self.languageJSON, self.imageToken) = (vision, languageJSON, imageToken)
        self.hasOwnHead = hasOwnHead
        language = try LanguageModelConfiguration(json: languageJSON)
    }

    /// Makes `token` the one that ends a text.
    package mutating func end(textsWith token: Int) throws(ConfigurationError) {
        var text = try ObjectText(json: languageJSON)
        text["eos_token_id"] = "\(token)"
        languageJSON = text.data
        language = try LanguageModelConfiguration(json: languageJSON)
    }

    /// Reads `config.json` as `Blip2ForConditionalGeneration` writes it; absent keys have the class's defaults.
    package init(json: Data) throws(ConfigurationError) {
        vision = try BLIP2Configuration(json: json)
        let object = try ConfigurationObject(json: json)
        guard let text = try object.objectIfPresent("text_config") else {
            throw object.error("text_config", "missing: this model has no language model")
        }
        language = try LanguageModelConfiguration(text)
        languageJSON = Data((try ObjectText(json: json)["text_config"] ?? "{}").utf8)
        imageToken = object.value("image_token_index")?.integer
        readsText = try object.object("qformer_config").flag("use_qformer_text_input", false)
    }

    /// What `Blip2ForConditionalGeneration` reads, as `config.json`.
    package func json() throws -> Data {
        try vision.json(
            languageModel: languageJSON, language.isDecoder ? .opt : .t5, imageToken: imageToken,
            hasOwnHead: hasOwnHead, readsText: readsText)
    }
}
