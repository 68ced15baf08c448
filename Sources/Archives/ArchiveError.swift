import Files
import Glibc

/// An archive that cannot be read, and what is wrong with it.
package struct ArchiveError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The file cannot be read now: a fault of the disk or the machine, not of what the file holds.
        case unreadable
        /// There is no memory for it now.
        case noMemory = "no-memory"
        /// It may not be read: permission denied, a link that leads out of a folder, not a plain file.
        case refused
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

    /// Whether the machine is to blame, not the archive: what fails so today may not tomorrow.
    package var isOfSystem: Bool { code == .unreadable || code == .noMemory }

    init(_ code: Code, _ path: String, _ detail: String) {
        (self.code, self.path, self.detail) = (code, path, detail)
    }

    /// The fault that the last call of the system met.
    init(systemFault number: Int32, _ path: String) {
        self.init(number == ENOMEM ? .noMemory : .unreadable, path, String(cString: strerror(number)))
    }

    init(_ error: UnreadableFile) {
        self.init(error.number == ENOMEM ? .noMemory : .unreadable, error.path, error.reason)
    }
}
