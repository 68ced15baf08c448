import Files
import Glibc

/// What went wrong with a database, and which.
package struct DatabaseError: SystemFault, Hashable, CustomStringConvertible {
    /// The closed list of faults; also the metric label.
    package enum Code: String, Sendable, CaseIterable {
        /// The server or the file cannot be reached, or the connection was lost; nothing of the transaction was committed.
        case unavailable
        /// The connection was lost while a transaction was being committed: it may have been, or not.
        case unknownOutcome = "unknown_outcome"
        /// Wrong user, password or database, or not permitted.
        case refused
        /// Another transaction held what this one needed for too long.
        case busy
        /// A statement took longer than is allowed.
        case timeout
        /// No room on the disk of the file or of the server.
        case diskFull = "disk_full"
        /// A value that the tables do not allow: not unique, missing, without its counterpart.
        case constraint
        /// The file is no database or is damaged, or its disk cannot be read or written.
        case damaged
        /// The tables were made by a later version of the software.
        case newerSchema = "newer_schema"
        /// The tables were made by an earlier version, and this connection only reads.
        case olderSchema = "older_schema"
        /// A statement is wrong, or a result is not what the code expects: a mistake in the software.
        case unexpected
    }

    /// The class of the fault.
    package let code: Code
    /// What it is about: the file, the server without any password, or a column.
    package let subject: String
    /// Free text for a person.
    package let text: String

    package init(_ code: Code, _ subject: String, _ text: String) {
        self.code = code
        self.subject = subject
        self.text = text
    }

    /// `ENOSPC` where a disk is full.
    package var number: Int32 { code == .diskFull ? ENOSPC : 0 }

    /// `code: subject: text`, on one line.
    package var description: String { "\(code.rawValue): \(subject): \(text)" }
}
