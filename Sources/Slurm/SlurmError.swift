/// What Slurm refused or did not answer: the command, and what it said.
package struct SlurmError: Error, Hashable, CustomStringConvertible {
    /// The closed list of faults.
    package enum Code: String, Sendable {
        /// The command is not on this machine.
        case missing
        /// The controller did not answer in time.
        case unreachable
        /// Slurm refused the request, such as a partition that does not exist.
        case refused
        /// The answer cannot be read.
        case unexpected
    }

    package let code: Code
    /// The command, such as `sbatch`.
    package let command: String
    /// Free text for a person.
    package let text: String

    package init(_ code: Code, _ command: String, _ text: String) {
        self.code = code
        self.command = command
        self.text = text
    }

    /// `command: text`, on one line.
    package var description: String { "\(command): \(text)" }
}
