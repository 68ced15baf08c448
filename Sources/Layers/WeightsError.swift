/// Weights that do not fit their model: which file, which key, and what was expected.
package struct WeightsError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// A parameter of the model is not in the checkpoint.
        case missing
        /// A parameter has another shape than the configuration asks for.
        case wrongShape
        /// The checkpoint holds a tensor that the model does not know.
        case unexpected
        /// A parameter holds numbers that are not finite.
        case notFinite
        /// The bytes cannot be read or converted.
        case unreadable
    }

    package let code: Code
    package let file: String
    package let key: String
    package let message: String

    package init(code: Code, file: String, key: String, message: String) {
        (self.code, self.file) = (code, file)
        (self.key, self.message) = (key, message)
    }

    package var description: String { "\(file): \(code.rawValue): \(key): \(message)" }
}
