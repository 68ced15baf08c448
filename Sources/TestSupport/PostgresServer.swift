import Foundation

/// A PostgreSQL server of the tests' own, by `scripts/cluster/postgres`; it goes when they end, however they end.
package final class PostgresServer: Sendable {
    /// Whether there is one to start.
    package static let isInstalled = {
        let files = FileManager.default
        let versions = (try? files.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let others = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? []
        let folders = versions.map { "/usr/lib/postgresql/\($0)/bin" } + others
        return folders.contains { files.isExecutableFile(atPath: $0 + "/initdb") }
    }()

    /// What a test says that is skipped where there is none.
    package static let missing = "no PostgreSQL server found: run scripts/setup --tests"

    /// One for all tests of a run that do not stop it.
    package static let shared = Result { try PostgresServer() }

    /// Its database for user `pipeline`, by the socket.
    package let url: String
    /// The same over TCP, with a password.
    package let addressWithPassword: String
    /// The same for the user who may do everything, by the socket.
    package var superuser: String { url.replacing("postgresql://pipeline@", with: "postgresql://postgres@") }

    private let folder: String
    private let process: Process
    private let input: Pipe

    /// Starts one that syncs nothing to the disk.
    package init() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/pg-" + UUID().uuidString.prefix(8)
        let (process, input, output) = (Process(), Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: Self.script)
        process.arguments = ["run", "--fast", "--root", folder]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var printed = Data()
        while printed.count(where: { $0 == UInt8(ascii: "\n") }) < 2 {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw CocoaError(.executableLoad) }
            printed += more
        }
        let urls = String(decoding: printed, as: UTF8.self).split(separator: "\n").map(String.init)
        (url, addressWithPassword) = (urls[0], urls[1])
        (self.folder, self.process, self.input) = (folder, process, input)
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Stops it, with `crash` as a power cut would; what it holds stays.
    package func stop(crash: Bool = false) throws {
        try act(["down", "--root", folder] + (crash ? ["--crash"] : []))
    }

    /// Starts it again at the same address.
    package func start() throws {
        let port = url.components(separatedBy: "port=").last ?? ""
        try act(["up", "--fast", "--root", folder, "--port", port])
    }

    /// Runs `sql` as the user who may do everything and returns what came of it.
    @discardableResult
    package func administer(_ sql: String) throws -> String {
        let ended = try Program.run("/usr/bin/env", ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", superuser, "-c", sql])
        guard ended.status == 0 else { throw Failure(text: ended.errors) }
        return ended.output
    }

    private func act(_ arguments: [String]) throws {
        let ended = try Program.run(Self.script, arguments)
        guard ended.status == 0 else { throw Failure(text: ended.errors) }
    }

    private static let script = Project.root + "/scripts/cluster/postgres"

    private struct Failure: Error {
        let text: String
    }
}
