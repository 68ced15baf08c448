import Glibc

/// A file that cannot be made, written or put in place: the step, the file, and what the system said.
package struct FileError: SystemFault, Hashable, CustomStringConvertible {
    /// The step that failed.
    package enum Step: String, Sendable {
        case create, open, write, sync, rename
    }

    package let step: Step
    package let path: String
    /// The system's number for the fault, such as `ENOSPC`.
    package let number: Int32

    /// The fault that the last call of the system met.
    init(_ step: Step, _ path: String) { (self.step, self.path, number) = (step, path, errno) }

    /// What the system calls it.
    package var reason: String { String(cString: strerror(number)) }

    /// One line for a person.
    package var description: String { "\(path): \(step.rawValue): \(reason)" }
}
