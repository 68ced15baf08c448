import ArgumentParser
import Builds
import Commands
import Foundation
import Manifests

/// Where coordinator and workers run.
enum Engine: String, ExpressibleByArgument, CaseIterable, Sendable {
    case local, slurm
}

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
              pipeline build --manifest cc3m.yaml --output /shared/cc3m --engine slurm --workers 32 --partition cpu
            """)

    @OptionGroup var manifest: ManifestOption
    @Option(help: ArgumentHelp("The output directory; by default the manifest's.", valueName: "dir"))
    var output: String?
    @OptionGroup var store: StoreOption
    @Option(help: "Where the work is done: on this machine (local), or as batch jobs of a cluster (slurm).")
    var engine: Engine = .local
    @Option(help: "Workers: processes on this machine, or jobs with --engine slurm; 1 by default.") var workers: Int?
    @Option(help: ArgumentHelp("A worker profile, a YAML file such as workers/local.yaml.", valueName: "file"))
    var profile: String?
    @Option(help: "Where the models run: auto, cpu or cuda:N.") var device: String?
    @Option(help: "Threads for the models of each worker; by default the cores are divided among the workers.")
    var threads: Int?
    @Option(help: "Concurrent transfers in each worker.") var connections: Int?
    @Flag(help: "Write the final status as JSON.") var json = false
    @OptionGroup(title: "Options of --engine slurm") var slurm: SlurmOptions
    @OptionGroup var logs: LogOptions

    func validate() throws {
        let least = engine == .slurm && slurm.gpuWorkers != nil ? 0 : 1
        let most = engine == .slurm ? 10_000 : 1024
        if let workers, !(least...most).contains(workers) {
            throw ValidationError("--workers: want \(least) to \(most), not \(workers)")
        }
        if engine == .local, let option = slurm.given { throw ValidationError("\(option): only with --engine slurm") }
        if let threads, threads < 1 { throw ValidationError("--threads: want at least 1, not \(threads)") }
        if let connections, connections < 1 { throw ValidationError("--connections: want at least 1") }
    }

    func run() async throws {
        let request = try BuildRequest(
            try manifest.read(), file: manifest.manifest, output: output, store: store.store)
        var options = BuildOptions()
        (options.scratch, options.isJSON) = (try profileScratch(), json)
        let logger = logs.logger("pipeline")
        switch engine {
        case .local:
            let fleet = try LocalWorkers(count: workers ?? 1, flags: workerFlags())
            try await runBuild(request, fleet, options, logger: logger)
        case .slurm:
            let wanted = slurm.request(
                request, workers: workers ?? (slurm.gpuWorkers == nil ? 1 : 0), flags: clusterFlags() + logFlags,
                coordinatorFlags: logFlags + store.flags)
            try await runOnCluster(wanted, options, isDetached: slurm.detach, logger: logger)
        }
    }

    private var logFlags: [String] {
        ["--log-level", logs.logLevel.rawValue, "--log-format", logs.logFormat.rawValue]
    }

    /// The workers' own arguments on a cluster: a job has its cores for itself.
    private func clusterFlags() -> [String] {
        var flags = ["--threads", "\(threads ?? slurm.cores)"]
        if let profile { flags += ["--profile", absolutePath(profile)] }
        if let device { flags += ["--device", device] }
        if let connections { flags += ["--connections", "\(connections)"] }
        return flags
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
        var flags = ["--threads", "\(threads ?? max(1, cores / (workers ?? 1)))"]
        if let profile { flags += ["--profile", profile] }
        if let device { flags += ["--device", device] }
        if let connections { flags += ["--connections", "\(connections)"] }
        return flags + logFlags
    }
}
