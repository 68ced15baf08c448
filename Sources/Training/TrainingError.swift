/// What keeps training from going on: the file, the class of the fault, and what to do.
package struct TrainingError: Error, Equatable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// A checkpoint of the run cannot be read or written.
        case checkpoint
        /// A run's log or curve cannot be read or written.
        case log
        /// The run in this folder was started with other options.
        case otherOptions = "other_options"
        /// The run in this folder was begun by another version of the program.
        case otherVersion = "other_version"
        /// The loss is not a finite number any more.
        case diverged
    }

    package let code: Code
    package let path: String
    package let message: String

    init(_ code: Code, _ path: String, _ message: String) {
        (self.code, self.path, self.message) = (code, path, message)
    }

    package var description: String { "\(path): \(code.rawValue): \(message)" }
}
