import Foundation

/// A script of `Tests/Support` that runs as long as this process does.
struct SupportScript: Sendable {
    /// The first line that it printed, in words.
    let words: [String]
    private let lifeline = Pipe()

    init(_ name: String) {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Support/\(name)")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", script.path]
        let output = Pipe()
        process.standardInput = lifeline
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            fatalError("\(name) does not start: \(error)")
        }
        var line = ""
        while !line.hasSuffix("\n"), case let part = output.fileHandleForReading.availableData, !part.isEmpty {
            line += String(decoding: part, as: UTF8.self)
        }
        words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        precondition(!words.isEmpty, "\(name) ended before it said where it listens")
    }
}
