import Files
import Foundation
package import Logging

/// Writes a result to standard output, with a line end behind it.
///
/// - Throws: Where it cannot be written: a result that is lost is no success.
package func printResult(_ text: String, terminator: String = "\n") throws(CommandError) {
    guard writeAll(Array((text + terminator).utf8)[...], to: STDOUT_FILENO) else {
        let reason = unsafe String(cString: strerror(errno))
        throw CommandError(.failedWork, "standard output: cannot be written: \(reason)")
    }
}

/// What goes to standard error.
///
/// A log that cannot be written is lost, and ends nothing.
package enum StandardError {
    /// Whether every line is JSON; known before the arguments are parsed, because they may be wrong.
    package static let isJSON = {
        let arguments = CommandLine.arguments
        return arguments.contains("--log-format=json")
            || zip(arguments, arguments.dropFirst()).contains { $0 == "--log-format" && $1 == "json" }
    }()

    /// Whether a person sees it as it is written.
    package static let isTerminal = !isJSON && isatty(STDERR_FILENO) == 1

    /// How many characters a line of the terminal has; 80 where it does not say.
    package static var columns: Int {
        var size = winsize()
        return unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// Writes `text` as it is.
    package static func write(_ text: String) {
        _ = writeAll(Array(text.utf8)[...], to: STDERR_FILENO)  // there is nobody else to tell
    }

    /// Writes one line for a person, or one JSON object with `facts`.
    package static func line(
        _ text: String, level: Logger.Level = .info, from label: String = "pipeline", facts: [String: String] = [:]
    ) {
        write((isJSON ? json(text, level, label, facts) : text) + "\n")
    }

    /// A log line as a JSON object.
    static func json(_ message: String, _ level: Logger.Level, _ label: String, _ facts: [String: String]) -> String {
        let fields = facts.merging(
            ["time": Date.now.formatted(.iso8601), "level": level.rawValue, "logger": label, "message": message]
        ) { $1 }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: (try? encoder.encode(fields)) ?? Data(), as: UTF8.self)  // strings always encode
    }

    /// Gives the three standard streams something to lead to where they were closed.
    ///
    /// The next file that is opened would take their place, and get what is meant for a person. Standard output stays one
    /// that cannot be written.
    static func open() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe Glibc.open("/dev/null", descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR)
        }
    }
}

/// Writes one `error:` line to standard error; control characters within become spaces, so that no terminal obeys them.
package func printError(_ message: String) {
    let line = String(
        String.UnicodeScalarView(
            message.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    StandardError.line(StandardError.isJSON ? line : "error: \(line)", level: .error)
}
