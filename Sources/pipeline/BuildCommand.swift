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

    @OptionGroup var build: RequestOptions
    @Option(help: "Where the work is done: on this machine (local), or as batch jobs of a cluster (slurm).")
    var engine: Engine = .local
    @Option(help: "Workers: processes on this machine, or jobs with --engine slurm; 1 by default.") var workers: Int?
    @OptionGroup var profile: ProfileOptions
    @Option(help: "Threads for the models of each worker; by default the cores are divided among the workers.")
    var threads: Int?
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
    }

    func run() async throws {
        let request = try build.request()
        let scratch = try profile.read().scratch
        var options = BuildOptions()
        (options.scratch, options.isJSON) = (scratch.isEmpty ? nil : scratch, build.json)
        let logger = logs.logger("pipeline")
        switch engine {
        case .local:
            let cores = ProcessInfo.processInfo.activeProcessorCount
            let fleet = try LocalWorkers(count: workers ?? 1, flags: workerFlags(max(1, cores / (workers ?? 1))))
            try await runBuild(request, fleet, options, logger: logger)
        case .slurm:
            let wanted = slurm.request(
                request, workers: workers ?? (slurm.gpuWorkers == nil ? 1 : 0), flags: workerFlags(slurm.cores),
                coordinatorFlags: logFlags + build.store.flags)
            try await runOnCluster(wanted, options, isDetached: slurm.detach, logger: logger)
        }
    }

    private var logFlags: [String] {
        ["--log-level", logs.logLevel.rawValue, "--log-format", logs.logFormat.rawValue]
    }

    /// The arguments of each worker, which has so many cores for itself.
    private func workerFlags(_ cores: Int) -> [String] {
        ["--threads", "\(threads ?? cores)"] + profile.flags + logFlags
    }
}
