import ArgumentParser
import Builds
import Commands
import Foundation
import Manifests

/// The main job.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build the data set that a manifest describes. The same command resumes an interrupted build.",
        discussion: """
            Plans, starts workers on this machine, and publishes shards as they are finished. A worker that dies is
            restarted; a unit that fails three times is named, and the build ends with exit code 1.

            EXAMPLES:
              pipeline build --manifest cc3m.yaml
              pipeline build --manifest cc3m.yaml --output /data/cc3m --workers 4
            """)

    @OptionGroup var manifest: ManifestOption
    @Option(help: ArgumentHelp("The output directory; by default the manifest's.", valueName: "dir"))
    var output: String?
    @Option(help: "Worker processes on this machine.") var workers = 1
    @Option(help: ArgumentHelp("A worker profile, a YAML file such as workers/local.yaml.", valueName: "file"))
    var profile: String?
    @Option(help: "Where the models run: auto, cpu or cuda:N.") var device: String?
    @Option(help: "Threads for the models of each worker; by default the cores are divided among the workers.")
    var threads: Int?
    @Option(help: "Concurrent transfers in each worker.") var connections: Int?
    @Flag(help: "Write the final status as JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard (1...1024).contains(workers) else { throw ValidationError("--workers: want 1 to 1024, not \(workers)") }
        if let threads, threads < 1 { throw ValidationError("--threads: want at least 1, not \(threads)") }
        if let connections, connections < 1 { throw ValidationError("--connections: want at least 1") }
    }

    func run() async throws {
        let request = try BuildRequest(try manifest.read(), file: manifest.manifest, output: output)
        var options = BuildOptions()
        (options.scratch, options.isJSON) = (try profileScratch(), json)
        try await runBuild(
            request, LocalWorkers(count: workers, flags: workerFlags()), options, logger: logs.logger("pipeline"))
    }

    /// The scratch folder that the worker profile names; nil where it names none.
    private func profileScratch() throws -> String? {
        guard let profile else { return nil }
        do {
            let scratch = try WorkerProfile(contentsOfFile: profile).scratch
            return scratch.isEmpty ? nil : scratch
        } catch {
            throw CommandError(.badInput, "\(profile): \(error)")
        }
    }

    private func workerFlags() -> [String] {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        var flags = ["--threads", "\(threads ?? max(1, cores / workers))"]
        if let profile { flags += ["--profile", profile] }
        if let device { flags += ["--device", device] }
        if let connections { flags += ["--connections", "\(connections)"] }
        return flags + ["--log-level", logs.logLevel.rawValue, "--log-format", logs.logFormat.rawValue]
    }
}
