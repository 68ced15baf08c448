/// Why a tokenizer could not be loaded or written.
package struct TokenizerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// No such file, or no right to read it.
        case unreadable
        /// The file cannot be written.
        case unwritable
        /// The file is not what its name promises.
        case malformed
        /// The file asks for what is not done here.
        case unsupported
        /// A token that the tokenizer cannot do without is not in the vocabulary.
        case missingToken = "missing_token"
    }

    /// The class of the fault.
    package let code: Code
    /// The file, or the directory where a file is missing.
    package let file: String
    /// Where in the file, and what to do.
    package let hint: String

    init(_ code: Code, _ file: String, _ hint: String) {
        self.code = code
        self.file = file
        self.hint = hint
    }

    /// One line, such as `DIR/vocab.json: malformed: line 3: want ':'; fetch the model again`.
    package var description: String { "\(file): \(code.rawValue): \(hint)" }
}
