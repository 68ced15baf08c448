import CProcess
import Foundation

/// The rows on which a worker of a build crashed, in a file that outlives it.
///
/// A codec that is led astray by an image takes its process with it. The last that the process does is to write down which row
/// it was at; who has the unit next leaves that row out. A worker that is killed writes nothing.
package struct CrashLog: Sendable {
    /// A source and a row of it, and the signal that ended the process.
    package struct Crash: Hashable, Sendable {
        /// Who crashed.
        package let worker: String
        package let source: String
        package let row: Int
        package let signal: Int
    }

    package let path: String

    package init(path: String) { self.path = path }

    /// Has this process, `worker`, write to the log when it crashes; call it once.
    ///
    /// - Throws: A POSIX error where the file cannot be opened or the signals not be caught.
    package func install(as worker: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        let status = crashlog_install(descriptor, Self.word(worker))  // open until the process ends
        guard status == 0 else { throw POSIXError(POSIXErrorCode(rawValue: status) ?? .EINVAL) }
    }

    /// Runs `body`, which does not suspend, as the work on `row` of `source`.
    package static func working<Value>(on source: String, row: Int, _ body: () -> Value) -> Value {
        crashlog_set(source, Int64(row))
        defer { crashlog_clear() }
        return body()
    }

    /// All crashes so far; lines that cannot be read, such as one that was cut, are passed over.
    package func crashes() -> [Crash] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }  // no crash yet
        return text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ")
            guard parts.count == 4, let row = Int(parts[2]), let signal = Int(parts[3]) else { return nil }
            return Crash(worker: String(parts[0]), source: String(parts[1]), row: row, signal: signal)
        }
    }

    /// `name` as one word of at most 64 bytes.
    private static func word(_ name: String) -> String {
        let word = name.unicodeScalars.prefix(64).map { $0.isASCII && $0.value > 32 ? Character($0) : "_" }
        return word.isEmpty ? "_" : String(word)
    }

    /// The crashes of `worker`.
    package func crashes(of worker: String) -> [Crash] { crashes().filter { $0.worker == Self.word(worker) } }
}
