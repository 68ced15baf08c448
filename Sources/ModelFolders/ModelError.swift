package import VisionLanguage

/// A model that cannot be used as it is on disk: bad input, named with its file and what to do.
package struct ModelError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// A file of the model hub's layout is not there or cannot be read.
        case missingFile = "missing_file"
        /// A configuration file does not say what is needed.
        case badConfiguration = "bad_configuration"
        /// The weights do not fit the configuration, or their file is damaged.
        case badWeights = "bad_weights"
        /// The tokenizer's files are damaged or do not fit the model.
        case badTokenizer = "bad_tokenizer"
        /// An option does not fit the model, such as captions longer than it has positions.
        case badOption = "bad_option"
    }

    package let code: Code
    /// The file or folder.
    package let path: String
    package let message: String

    package init(_ code: Code, _ path: String, _ message: String) {
        self.code = code
        self.path = path
        self.message = message
    }

    /// The tokenizer in `directory` made `tokens` of a prompt, which is not what the decoder begins with.
    package static func unfittingTokenizer(
        _ tokens: [Int], _ decoder: DecoderConfiguration, _ directory: String
    ) -> ModelError {
        let message = "it encodes the prompt as \(tokens), but the model ends texts with \(decoder.endToken)"
        return ModelError(.badTokenizer, directory, message + " and has \(decoder.vocabulary) tokens")
    }

    package var description: String { "\(path): \(code.rawValue): \(message)" }
}
