import Files
import Glibc

/// A spool that cannot be written or read: the step, the file, and what the system said.
package struct SpoolError: SystemFault, Hashable, CustomStringConvertible {
    /// The step that failed.
    package enum Code: String, Sendable {
        case create, open, read, write, remove
        /// A record is not what was written.
        case damaged
    }

    package let code: Code
    package let path: String
    /// The system's number; 0 where it said nothing.
    package let number: Int32

    package init(_ code: Code, _ path: String, errno: Int32 = Glibc.errno) {
        self.code = code
        self.path = path
        number = errno
    }

    package var description: String {
        "\(path): \(code.rawValue): \(number == 0 ? "not what was written" : String(cString: strerror(number)))"
    }
}
