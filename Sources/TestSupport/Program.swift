import Foundation

/// A program that a test runs, with what it printed and how it ended.
package final class Program {
    package struct Ended: Sendable {
        package let status: Int32
        package let output: String
        package let errors: String
    }

    private let process = Process()
    private let outputPath: String
    private let errorPath: String

    /// Starts the executable at `path`; its output goes to files that are removed when it is gone.
    package init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let stem = FileManager.default.temporaryDirectory.path + "/program-" + UUID().uuidString
        (outputPath, errorPath) = (stem + ".out", stem + ".err")
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        for file in [outputPath, errorPath] where !FileManager.default.createFile(atPath: file, contents: nil) {
            throw CocoaError(.fileWriteUnknown)
        }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for file in [outputPath, errorPath] { unlink(file) }
    }

    package var isRunning: Bool { process.isRunning }
    package var identifier: Int32 { process.processIdentifier }

    /// What it printed so far.
    package var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }
    package var errors: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }

    package func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for its end.
    package func wait() -> Ended {
        process.waitUntilExit()
        return Ended(status: process.terminationStatus, output: output, errors: errors)
    }

    /// Runs a program to its end.
    package static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> Ended {
        try Program(path, arguments, environment: environment).wait()
    }
}
