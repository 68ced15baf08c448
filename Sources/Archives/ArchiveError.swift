/// An archive that cannot be read, and what is wrong with it.
package struct ArchiveError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unreadable
        case malformed
        /// In a way that is not read here: encrypted, or compressed by a method other than deflate.
        case unsupported
        /// What the archive holds cannot be written.
        case unwritable
        /// A member is larger than was asked for.
        case tooLarge = "too-large"
    }

    package let code: Code
    package let path: String
    package let detail: String

    package var description: String { "\(path): \(code.rawValue): \(detail)" }

    init(_ code: Code, _ path: String, _ detail: String) {
        (self.code, self.path, self.detail) = (code, path, detail)
    }
}
