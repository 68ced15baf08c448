import Files
import Glibc
import Samples

/// An output that cannot be written or read: the step, the file, and what the system said.
package struct StorageError: SystemFault, Hashable, CustomStringConvertible {
    /// The step that failed.
    package enum Code: String, Sendable {
        case create, open, read, write, sync, publish, remove
        /// A file of another stands where one of the build belongs.
        case occupied
        /// There is no such object.
        case missing
    }

    package let code: Code
    package let path: String
    package let reason: String
    /// The system's number for the fault; 0 where it is not the system's.
    package let number: Int32

    package var description: String { "\(path): \(code.rawValue): \(reason)" }

    package init(_ code: Code, _ path: String, _ reason: String, number: Int32 = 0) {
        self.code = code
        self.path = path
        self.reason = reason
        self.number = number
    }

    /// What the system said of its last call.
    init(_ code: Code, _ path: String) { self.init(code, path, String(cString: strerror(errno)), number: errno) }

    /// Bytes that cannot be read.
    init(_ error: UnreadableBytes) { self.init(.read, error.name, error.reason, number: error.number) }

    init(_ error: UnreadableFile) {
        self.init(error.number == ENOENT ? .missing : .open, error.path, error.reason, number: error.number)
    }

    init(_ error: FileError) {
        let code: Code =
            switch error.step {
            case .create: .create
            case .open: .open
            case .write: .write
            case .sync: .sync
            case .rename: .publish
            }
        self.init(code, error.path, error.reason, number: error.number)
    }
}
