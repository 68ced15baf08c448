import Foundation
import Locks

/// Scripts for the tests' Python, which has the reference implementations; `scripts/setup --tests` makes it.
///
/// Each runs in a process of its own, a child of one that has PyTorch and transformers loaded: that takes seconds.
package enum Python {
    /// A script that failed, with what it said.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What `script` prints, given `arguments`.
    ///
    /// - Throws: Where it ends with another status than 0, or there is no Python.
    @discardableResult
    package static func run(_ script: String, _ arguments: [String] = []) throws -> String {
        try run(script, called: "-c", arguments)
    }

    /// What the script in the file `path` prints, given `arguments`.
    ///
    /// - Throws: Where it ends with another status than 0, or there is no Python.
    @discardableResult
    package static func run(file path: String, _ arguments: [String] = []) throws -> String {
        try run(String(contentsOfFile: path, encoding: .utf8), called: path, arguments)
    }

    private static func run(_ source: String, called name: String, _ arguments: [String]) throws -> String {
        let stem = FileManager.default.temporaryDirectory.path + "/script-" + UUID().uuidString
        let (output, errors) = (stem + ".out", stem + ".err")
        defer { for file in [output, errors] { unlink(file) } }
        for file in [output, errors] where !FileManager.default.createFile(atPath: file, contents: nil) {
            throw CocoaError(.fileWriteUnknown)
        }
        let job = Job(source: source, name: name, arguments: arguments, output: output, errors: errors)
        let status = try server.withLock { server throws in
            if server == nil { server = try Server() }
            return try server?.run(job)
        }
        guard status == 0 else {
            let said = try String(contentsOfFile: errors, encoding: .utf8)
            throw Failure(description: "the tests' Python ended with \(status ?? -1): \(said)")
        }
        return try String(contentsOfFile: output, encoding: .utf8)
    }

    private static let server = Locked<Server?>(nil)

    private struct Job: Encodable {
        let source: String
        let name: String
        let arguments: [String]
        let output: String
        let errors: String
    }

    /// The process whose children run scripts; it ends with this one.
    private final class Server: Sendable {
        private let jobs: FileHandle
        private let ends: FileHandle

        init() throws {
            guard FileManager.default.isExecutableFile(atPath: Project.python) else {
                throw Failure(description: "no \(Project.python): run scripts/setup --tests")
            }
            let (process, input, output) = (Process(), Pipe(), Pipe())
            process.executableURL = URL(fileURLWithPath: Project.python)
            process.arguments = [Project.root + "/Tests/Support/scripts.py"]
            (process.standardInput, process.standardOutput) = (input, output)
            try process.run()
            (jobs, ends) = (input.fileHandleForWriting, output.fileHandleForReading)
        }

        /// The exit status of `job`'s script.
        func run(_ job: Job) throws -> Int {
            try jobs.write(contentsOf: JSONEncoder().encode(job) + Data("\n".utf8))
            var line = Data()
            while let byte = try ends.read(upToCount: 1), !byte.isEmpty {
                if byte[0] == UInt8(ascii: "\n") { break }
                line += byte
            }
            guard let status = Int(String(decoding: line, as: UTF8.self)) else {
                throw Failure(description: "the tests' Python does not run: scripts/setup --tests makes it")
            }
            return status
        }
    }
}
