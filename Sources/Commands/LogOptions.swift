package import ArgumentParser
import Foundation
package import Logging

/// The options that every command takes.
package struct LogOptions: ParsableArguments {
    package enum Level: String, ExpressibleByArgument, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }
    package enum Format: String, ExpressibleByArgument, CaseIterable, Sendable { case text, json }

    @Option(help: ArgumentHelp("The lowest level of messages to show.", valueName: "level"))
    package var logLevel: Level = .info

    @Option(help: ArgumentHelp("The format of messages on standard error.", valueName: "format"))
    package var logFormat: Format = .text

    package init() {}

    /// A logger that writes to standard error as the options say.
    package func logger(_ label: String) -> Logger {
        var logger = Logger(label: label) { [logFormat] in StandardErrorHandler(label: $0, format: logFormat) }
        logger.logLevel = Logger.Level(rawValue: logLevel.rawValue) ?? .info
        return logger
    }
}

/// Writes each message as one line to standard error.
private struct StandardErrorHandler: LogHandler {
    let label: String
    let format: LogOptions.Format
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let time = Date.now.formatted(.iso8601)
            let tail = facts.map { " \($0.key)=\($0.value)" }.joined()
            StandardError.write("\(time) \(event.level.rawValue) \(label): \(event.message)\(tail)\n")
        case .json:
            let facts = Dictionary(facts.map { ($0.key, "\($0.value)") }, uniquingKeysWith: { $1 })
            StandardError.write(StandardError.json("\(event.message)", event.level, label, facts) + "\n")
        }
    }
}
