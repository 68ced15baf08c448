import Glibc

/// An input that cannot be read: the file, and what to do.
package struct SourceError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The file is not there, or may not be read.
        case unreadable
        /// The file is not what its format says, as a whole.
        case malformed
        /// The file is shorter than when it was planned.
        case changed
    }

    package let code: Code
    package let file: String
    package let hint: String

    package init(_ code: Code, _ file: String, _ hint: String) {
        self.code = code
        self.file = file
        self.hint = hint
    }

    /// One line, such as `list.csv: malformed: line 1: no column url`.
    package var description: String { "\(file): \(code.rawValue): \(hint)" }
}
