import Files
import Foundation

/// Why a message did not get through, or was refused.
package struct TransportError: SystemFault, Hashable, CustomStringConvertible {
    /// The closed list of faults; also the metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// No token, or a file that holds none.
        case token
        /// The address cannot be listened on.
        case listen
        /// The coordinator could not be reached for as long as the client was told to try.
        case unreachable
        /// The coordinator has ended because nothing was left to do.
        case finished
        /// The coordinator does not know the token.
        case unauthorized
        /// The coordinator refuses the message: sending it again would not help.
        case refused
        /// The coordinator's disk is full: the same message may be sent again when there is room.
        case diskFull = "disk_full"
        /// What answered is no coordinator of this version.
        case protocolMismatch = "protocol_mismatch"
    }

    /// The class of the fault.
    package let code: Code
    /// The URL, address or file.
    package let subject: String
    /// Free text for a person.
    package let text: String

    package init(_ code: Code, _ subject: String, _ text: String) {
        self.code = code
        self.subject = subject
        self.text = text
    }

    package var number: Int32 { code == .diskFull ? ENOSPC : 0 }

    /// `code: subject: text`, on one line.
    package var description: String { "\(code.rawValue): \(subject): \(text)" }
}
