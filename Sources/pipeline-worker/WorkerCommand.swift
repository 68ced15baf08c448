import ArgumentParser
import Commands
import Fetching
import Foundation
import Manifests
import Samples
import Transport
import Working

/// Leases work units from a coordinator, runs the stages, writes shards.
@main
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline-worker",
        abstract: "Lease work units from a coordinator; fetch, caption, rank and write shards until no work is left.",
        discussion: """
            EXAMPLE:
              pipeline-worker --coordinator http://127.0.0.1:8400 --token-file token --device cpu
            """,
        version: softwareVersion)

    static func main() async { await runToExit(Self.self) }

    @Option(help: ArgumentHelp("The coordinator's address.", valueName: "url")) var coordinator: String
    @Option(help: ArgumentHelp("The file that holds the coordinator's token.", valueName: "file")) var tokenFile:
        String?
    @Option(help: "This worker's name; by default its host and process id.") var name: String?
    @Option(help: ArgumentHelp("The output directory on this machine, if it differs from the coordinator's."))
    var output: String?
    @Option(help: ArgumentHelp("A worker profile, a YAML file; flags override it.", valueName: "file"))
    var profile: String?
    @Option(help: "What the worker does: fetch, caption, or both separated by a comma.") var role = "fetch,caption"
    @Option(help: "Where the models run: auto, cpu or cuda:N.") var device: String?
    @Option(help: "Threads for the models; 0 uses one for each core.") var threads: Int?
    @Option(help: "Concurrent transfers.") var connections: Int?
    @Option(
        help: ArgumentHelp(
            "Share the limits for each host with the other workers of this machine, as worker N of M, through this file.",
            valueName: "N/M:file"))
    var hostTable: String?
    @OptionGroup var logs: LogOptions

    func validate() throws {
        let roles = Set(role.split(separator: ",").map(String.init))
        guard roles == ["fetch", "caption"] else {
            throw ValidationError("--role: this version runs fetch,caption in one worker, not \(role)")
        }
        if let device, !WorkerProfile.isDevice(device) {
            throw ValidationError("--device: want auto, cpu or cuda:N, not \(device)")
        }
        if let threads, threads < 0 { throw ValidationError("--threads: want 0 or more, not \(threads)") }
        if let connections, connections < 1 { throw ValidationError("--connections: want at least 1") }
    }

    func run() async throws {
        let worker = name ?? "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)"
        let http = HTTPClient(userAgent: "pipeline-worker/\(softwareVersion)")
        defer { http.close() }
        do {
            let client = CoordinatorClient(
                url: coordinator, worker: worker, token: try tokenFile.map(AccessToken.init(contentsOfFile:)),
                send: sender(http))
            let (manifest, build) = try await manifest(client)
            let worker = try Worker(
                manifest: manifest, build: build, profile: readProfile(), shared: sharedBounds(), client: client,
                logger: logs.logger(worker))
            try await worker.run()
        } catch {
            throw CommandError(endOfWork: error) ?? error
        }
    }

    /// `--host-table`, such as `0/2:/data/out/.state/hosts`.
    private func sharedBounds() throws -> SharedBounds? {
        guard let hostTable else { return nil }
        let parts = hostTable.split(separator: ":", maxSplits: 1)
        let numbers = parts.first?.split(separator: "/").compactMap { Int($0) } ?? []
        guard parts.count == 2, numbers.count == 2, (0..<numbers[1]).contains(numbers[0]), numbers[1] <= 1024 else {
            throw CommandError(.usage, "--host-table: want N/M:file, N from 0")
        }
        return SharedBounds(path: String(parts[1]), lanes: numbers[1], lane: numbers[0])
    }

    private func manifest(_ client: CoordinatorClient) async throws -> (Manifest, ContentDigest) {
        let answer = try await client.manifest()
        do {
            var manifest = try JSONDecoder().decode(Manifest.self, from: Data(answer.manifest.utf8))
            if let output { manifest.output = output }
            return (manifest, answer.identity)
        } catch {
            throw CommandError(.badInput, "\(coordinator): a manifest of another version: \(error)")
        }
    }

    private func readProfile() throws -> WorkerProfile {
        var result = WorkerProfile()
        if let profile {
            do {
                result = try WorkerProfile(contentsOfFile: profile)
            } catch {
                throw CommandError(.badInput, "\(profile): \(error)")
            }
        }
        result.device = device ?? result.device
        result.threads = threads ?? result.threads
        result.connections = connections ?? result.connections
        return result
    }
}
