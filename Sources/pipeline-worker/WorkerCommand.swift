import ArgumentParser
import Commands
import Fetching
import Files
import Foundation
import Locks
import Logging
import Manifests
import Samples
import Supervision
import Transport
import Working

/// Leases work units from a coordinator, runs the stages, writes shards.
@main
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline-worker",
        abstract: "Lease work units from a coordinator; fetch, caption, rank and write shards until no work is left.",
        discussion: """
            Address and token may be in files, which are read again when the coordinator has moved. SIGINT and SIGTERM give back
            what is not done, and end the worker with 130 and 143. SIGUSR1, such as Slurm sends before the end of a job, lets it
            finish what is nearly done and ends it with 75, which asks for it to be started again.

            The work is done in a second process, which is started again when a broken image takes it down: that row is left out.

            EXAMPLES:
              pipeline-worker --coordinator-file /data/cc3m/.state/coordinator
              pipeline-worker --coordinator http://10.0.0.7:8400 --token-file token --device cuda:0 --name gpu-3
            """,
        version: softwareVersion)

    static func main() async { await runToExit(Self.self) }

    @Option(help: ArgumentHelp("The coordinator's address.", valueName: "url")) var coordinator: String?
    @Option(
        help: ArgumentHelp(
            "The file with the coordinator's address, which is waited for where it is not there; it also says when all is done.",
            valueName: "file"))
    var coordinatorFile: String?
    @Option(
        help: ArgumentHelp(
            "The file with the coordinator's token. By default the file token beside --coordinator-file.",
            valueName: "file"))
    var tokenFile: String?
    @Option(help: "This worker's name; by default that of its Slurm job, or its host and process id.")
    var name: String?
    @Option(
        help: ArgumentHelp(
            "How long the coordinator may be away before the worker gives up.", valueName: "seconds"))
    var patience = 900
    @Option(
        help: ArgumentHelp(
            "How long units may still take after SIGUSR1 before they are given back.", valueName: "seconds"))
    var grace = 30
    @Option(help: ArgumentHelp("The output directory on this machine, if it differs from the coordinator's."))
    var output: String?
    @OptionGroup var profile: ProfileOptions
    @Option(help: "What the worker does: fetch, caption, or both separated by a comma.") var role = "fetch,caption"
    @Option(help: "Threads for the models; 0 uses one for each core.") var threads: Int?
    @Option(
        help: ArgumentHelp(
            "Share the limits for each host with the other workers of this machine, as worker N of M, through this file.",
            valueName: "N/M:file"))
    var hostTable: String?
    /// Set by a supervisor: the work is done in this process, as this incarnation of the worker.
    @Option(help: .hidden) var supervised: String?
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard (coordinator == nil) != (coordinatorFile == nil) else {
            throw ValidationError("want one of --coordinator and --coordinator-file")
        }
        if let name, name.isEmpty || name.utf8.count > 64 || !name.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) {
            throw ValidationError("--name: want 1 to 64 printable characters and no space, not \(name)")
        }
        guard patience >= 0, grace >= 0 else { throw ValidationError("--patience, --grace: want 0 or more") }
        let roles = Set(role.split(separator: ",").map(String.init))
        guard roles == ["fetch", "caption"] else {
            throw ValidationError("--role: this version runs fetch,caption in one worker, not \(role)")
        }
        if let threads, threads < 0 { throw ValidationError("--threads: want 0 or more, not \(threads)") }
    }

    func run() async throws {
        let departure = Departure()
        let watch = SignalWatch(SIGUSR1) { departure.ask() }
        defer { withExtendedLifetime(watch) {} }
        let http = HTTPClient(userAgent: "pipeline-worker/\(softwareVersion)")
        defer { http.close() }
        let code: Int
        do {
            let own = WorkerName(environment: ProcessInfo.processInfo.environment)
            let (name, incarnation) = (name ?? own.name, supervised ?? CoordinatorClient.newIncarnation())
            var policy = RetryPolicy()
            policy.patience = .seconds(patience)
            let client = CoordinatorClient(
                try await access(), worker: name, node: own.node, incarnation: incarnation, policy: policy,
                send: sender(http))
            if supervised == nil {
                let host = WorkerHost(name: name, command: child(name, incarnation), client: client)
                departure.set(host.leave)
                code = try await host.run()
            } else {
                code = try await work(name, client, departure)
            }
        } catch let error as TransportError where error.code == .finished {
            return StandardError.line(error.text, level: .notice)
        } catch {
            throw CommandError(endOfWork: error) ?? error
        }
        if code != 0 { throw ExitCode(Int32(code)) }
    }

    /// Does the work; gives the exit code.
    private func work(_ name: String, _ client: CoordinatorClient, _ departure: Departure) async throws -> Int {
        let (manifest, build) = try await manifest(client)
        let worker = try Worker(
            manifest: manifest, build: build, profile: readProfile(), shared: sharedBounds(), client: client,
            logger: logs.logger(name))
        departure.set { worker.leave(within: .seconds(grace)) }
        guard try await worker.run() == .left else { return 0 }
        StandardError.line("stopped by SIGUSR1; unfinished work was returned to the coordinator", level: .notice)
        return Int(CommandError.Code.outage.rawValue)
    }

    /// This command once more, to do the work as the worker `name`.
    private func child(_ name: String, _ incarnation: String) -> ProcessCommand {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let arguments = CommandLine.arguments.dropFirst() + ["--supervised", incarnation]
        return ProcessCommand(executable: own, arguments: arguments + (self.name == nil ? ["--name", name] : []))
    }

    private func access() async throws -> CoordinatorAccess {
        guard let file = coordinatorFile else {
            return try CoordinatorAccess(url: coordinator, urlFile: nil, tokenFile: tokenFile)
        }
        return try await .written(
            urlFile: file, tokenFile: tokenFile ?? folder(of: file) + "/token", within: .seconds(patience))
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
            let place = coordinator ?? coordinatorFile ?? ""
            throw CommandError(.badInput, "\(place): a manifest of another version: \(error)")
        }
    }

    private func readProfile() throws -> WorkerProfile {
        var result = try profile.read()
        result.threads = threads ?? result.threads
        return result
    }
}

/// What is done when the worker is asked to leave.
private final class Departure: Sendable {
    private let leave = Locked<(@Sendable () -> Void)?>(nil)

    /// From now on, `leave` is.
    func set(_ leave: @escaping @Sendable () -> Void) { self.leave.withLock { $0 = leave } }

    /// Asks the worker to leave; the process ends at once where it has not begun, and holds nothing.
    func ask() {
        guard let leave = leave.withLock({ $0 }) else { _exit(CommandError.Code.outage.rawValue) }
        leave()
    }
}
