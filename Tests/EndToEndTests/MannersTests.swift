import Foundation
import TestSupport
import Testing

/// What one host sees of a build with several workers, each a process of its own that knows nothing of the others.
@Suite("Workers of one build", .serialized) struct MannersTests {
    private struct Report: Decodable {
        let requests: Int
        /// The most requests that were answered at once.
        let peak: Int
        /// From the first request to the last.
        let seconds: Double
    }

    private static let workerCount = 3

    /// Builds from a host that takes `delay` seconds for each of `rows` pictures; gives what the host has counted.
    private func build(rows: Int, delay: Double, perHost: String) throws -> Report {
        let folder = try Project.temporaryFolder("manners")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try Program(
            "/usr/bin/env", ["python3", Project.root + "/Tests/Support/counting_server.py", "--delay", "\(delay)"])
        defer { server.signal(SIGKILL) }
        try #require(eventually { server.output.hasSuffix("\n") || !server.isRunning }, "\(server.errors)")
        let address = "http://127.0.0.1:" + server.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let list = "url,caption\n" + (0..<rows).map { "\(address)/\($0).png,a picture\n" }.joined()
        try list.write(toFile: folder + "/list.csv", atomically: true, encoding: .utf8)
        try """
        version: 1
        name: m
        shard: {samples: 20}
        fetch: {allow_private_addresses: true, per_host: {\(perHost)}}
        sources:
          - {name: demo, format: csv, path: list.csv, captions: original}
        """.write(toFile: folder + "/m.yaml", atomically: true, encoding: .utf8)
        let coordinator = try Program(
            Project.executables + "/pipeline-coordinator",
            ["--manifest", folder + "/m.yaml", "--output", folder + "/out"])
        let workers = try (0..<Self.workerCount).map { number in
            try Program(
                Project.executables + "/pipeline-worker",
                [
                    "--coordinator-file", folder + "/out/.state/coordinator", "--name", "w\(number)", "--device", "cpu",
                    "--connections", "64",
                ])
        }
        let ended = coordinator.wait()
        #expect(ended.status == 0 && ended.output.contains("\(rows) of \(rows) rows kept"), "\(ended)")
        for worker in workers { #expect(worker.wait().status == 0) }
        let report = try Program.run("/usr/bin/env", ["curl", "-sS", address + "/report"])
        let counted = try JSONDecoder().decode(Report.self, from: Data(report.output.utf8))
        #expect(counted.requests == rows)
        return counted
    }

    @Test("have as many transfers with a host together as one may have, but for one each before its first share")
    func connections() throws {
        let counted = try build(rows: 400, delay: 0.2, perHost: "connections: 8")
        #expect(counted.peak < 8 + Self.workerCount, "\(counted)")
        #expect(counted.peak > Self.workerCount, "they had no shares: \(counted)")
    }

    @Test("send as many requests a second together as one may send, but for the first second")
    func rate() throws {
        let rate = 25.0
        let counted = try build(rows: 300, delay: 0, perHost: "connections: 8, rate: \(rate)")
        let sent = Double(counted.requests)
        #expect(sent <= rate * (counted.seconds + Double(Self.workerCount)), "\(counted)")
    }
}
