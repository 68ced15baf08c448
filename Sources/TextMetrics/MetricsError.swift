/// Why predictions or references cannot be scored: the class of the fault, the file, where in it and what to do.
package struct MetricsError: Error, Hashable, CustomStringConvertible {
    /// The class of the fault.
    package enum Code: String, Sendable {
        /// No such file, or no right to read it.
        case unreadable
        /// The file is not what it is taken for.
        case malformed
        /// There is nothing to score.
        case empty
        /// Two files do not belong together.
        case mismatch
    }

    package let code: Code
    package let path: String
    package let detail: String

    init(_ code: Code, _ path: String, _ detail: String) { (self.code, self.path, self.detail) = (code, path, detail) }

    /// One line, such as `results.json: malformed: line 3: caption: want a text`.
    package var description: String { "\(path): \(code.rawValue): \(detail)" }
}
