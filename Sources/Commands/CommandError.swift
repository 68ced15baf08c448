/// Why a command ends early: one line for the person, one exit code for scripts.
package struct CommandError: Error, CustomStringConvertible {
    /// The exit codes that scripts depend on; the numbers above 1 are those of `sysexits.h` and of shells.
    package enum Code: Int32, Sendable {
        /// Finished, but some of the work failed for good.
        case failedWork = 1
        /// Wrong usage.
        case usage = 64
        /// Bad input: manifest, checkpoint, data.
        case badInput = 65
        /// A service that is needed cannot be reached.
        case unavailable = 69
        /// A fault of our own.
        case internalFault = 70
        /// Of a worker: it is to be started again later, since the network or a host that is needed did not answer for too
        /// long, or since it was asked to leave. Builds say `unavailable` of an outage.
        case outage = 75
        case interrupted = 130
        case terminated = 143
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
