import CProcess
package import Coordination
import Foundation

/// The row on which a worker process crashed, as the last line that it writes tells its supervisor.
///
/// A codec that is led astray by an image takes its process with it. The last that the process does is to say under which lease
/// and on which row it worked; who has the unit next leaves that row out. A worker that is killed says nothing.
package struct CrashReport: Hashable, Sendable {
    /// The lease under which the process worked.
    package let lease: Lease
    /// The number of the row in its source.
    package let row: Int
    /// The signal that ended the process.
    package let signal: Int

    /// No log line begins like this.
    private static let mark = "\u{1e}crash "

    /// What `line` of a worker reports; nil where it is another line, or was cut.
    package init?(line: String) {
        let parts = line.split(separator: " ")
        guard line.hasPrefix(Self.mark), parts.count == 4, let row = Int(parts[2]), let signal = Int(parts[3]),
            let lease = try? decodeJSON(Lease.self, from: Data(parts[1].utf8))  // cut, or of another version
        else { return nil }
        (self.lease, self.row, self.signal) = (lease, row, signal)
    }

    /// Has this process report to standard error when it crashes; call it once, in one that a supervisor reads.
    ///
    /// - Throws: A POSIX error where the signals cannot be caught.
    package static func install() throws {
        let status = crashlog_install(STDERR_FILENO)
        guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: status) ?? .EINVAL) }
    }

    /// Runs work on rows so that a crash on one of them is reported.
    package struct Reporter: Sendable {
        private let prefix: String

        /// Reports under `lease`.
        package init(_ lease: Lease) {
            // Plain data always encodes.
            let text = (try? encodeJSON(lease)).map { String(decoding: $0, as: UTF8.self) }
            prefix = mark + (text ?? "")
        }

        /// Runs `body`, which does not suspend, as the work on `row`.
        package func working<Value>(on row: Int, _ body: () -> Value) -> Value {
            crashlog_set("\(prefix) \(row)")
            defer { crashlog_clear() }
            return body()
        }
    }
}
