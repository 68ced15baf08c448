/// Texts that cannot be trained on: the file, the class of the fault, and what to do.
package struct TextError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// A file cannot be read.
        case unreadable
        /// A line is too long, or no UTF-8.
        case malformed
        /// The files hold no text.
        case empty
    }

    package let code: Code
    package let path: String
    package let message: String

    init(_ code: Code, _ path: String, _ message: String) {
        (self.code, self.path, self.message) = (code, path, message)
    }

    package var description: String { "\(path): \(code.rawValue): \(message)" }
}
