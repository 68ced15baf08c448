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
    /// Whether the Q-Former reads text too, such as a question.
    package var readsText = false

    /// The model that joins `vision` to the language model that `languageJSON`, its `config.json`, describes.
    package init(
        _ vision: BLIP2Configuration, languageJSON: Data, imageToken: Int?
    ) throws(ConfigurationError) {
        (self.vision, self.languageJSON, self.imageToken) = (vision, languageJSON, imageToken)
        language = try LanguageModelConfiguration(json: languageJSON)
    }

    /// Makes `token` the one that ends a text.
    package mutating func end(textsWith token: Int) throws(ConfigurationError) {
        // It was read before, so it is an object.
        var values = (try? JSONSerialization.jsonObject(with: languageJSON)) as? [String: Any] ?? [:]
        values["eos_token_id"] = token
        languageJSON = (try? JSONSerialization.data(withJSONObject: values, options: .sortedKeys)) ?? languageJSON
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
        let whole = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any]
        languageJSON = (try? JSONSerialization.data(withJSONObject: whole?["text_config"] ?? [:])) ?? Data()
        imageToken = object.value("image_token_index")?.integer
        readsText = try object.object("qformer_config").flag("use_qformer_text_input", false)
    }

    /// What `Blip2ForConditionalGeneration` reads, as `config.json`.
    package func json() throws -> Data {
        var values = try JSONSerialization.jsonObject(with: vision.json()) as? [String: Any] ?? [:]
        values["architectures"] = ["Blip2ForConditionalGeneration"]
        values["image_token_index"] = imageToken.map { $0 as Any } ?? NSNull()
        values["text_config"] = try JSONSerialization.jsonObject(with: languageJSON)
        values["use_decoder_only_language_model"] = language.isDecoder
        var qformer = values["qformer_config"] as? [String: Any] ?? [:]
        qformer["use_qformer_text_input"] = readsText
        values["qformer_config"] = qformer
        return try JSONSerialization.data(
            withJSONObject: values, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    }
}
