import ArgumentParser
import Commands
import Coordination
import Foundation
import Logging
import Manifests
import Reports
import Samples
import SourceAdapters
import Storage

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
        let written = try manifest.read()
        let scratch = try profileScratch()
        var resolved = written.resolved(besideFile: manifest.manifest)
        resolved.output = try outputPath(written)
        let logger = logs.logger("pipeline")
        let progress = BuildProgress(label: written.name)
        do {
            let keeper = try openOutput(resolved.output)
            let fingerprints = Fingerprints(path: keeper.output.fingerprintsPath)
            resolved = try await LocalInputs(
                folder: keeper.output.inputsFolder, fingerprints: fingerprints, logger: logger
            ).localized(resolved)
            try requireImageRoots(resolved, manifest.manifest)
            let job = try await BuildJob(
                written: written, resolved: resolved, keeper, fingerprints, progress, logger: logger)
            try await job.plan()
            let status = try await job.run(
                workerCommand: workerCommand(keeper.output), workers: workers, scratch: scratch)
            try show(status, keeper.output)
        } catch is CancellationError {
            StandardError.line("\(progress.interrupted()), run the same command to resume", level: .notice)
            throw CancellationError()
        } catch let error as CoordinationError {
            throw CommandError(error.exitCode, "\(error)")
        } catch let error as StorageError {
            throw CommandError(error.exitCode, "\(error)")
        } catch let error as SourceError {
            throw CommandError(.badInput, "\(error)")
        }
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

    private func outputPath(_ manifest: Manifest) throws -> String {
        let path = output ?? manifest.output
        guard !path.isEmpty else {
            throw CommandError(
                .badInput, "\(self.manifest.manifest): missing-key: output: add it, or give --output")
        }
        guard !path.contains("://") else {
            throw CommandError(.badInput, "output: \(path): this version writes to directories only")
        }
        let expanded = expandingHome(path)
        return expanded.hasPrefix("/") ? expanded : FileManager.default.currentDirectoryPath + "/" + expanded
    }

    /// The worker's executable, which lies beside this one, and its flags but for its name and coordinator.
    private func workerCommand(_ output: OutputDirectory) throws -> (executable: String, flags: [String]) {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let executable = own.deletingLastPathComponent().appendingPathComponent("pipeline-worker").path
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw CommandError(.internalFault, "\(executable): no such executable; build the whole package")
        }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        var flags = ["--threads", "\(threads ?? max(1, cores / workers))"]
        if let profile { flags += ["--profile", profile] }
        if let device { flags += ["--device", device] }
        if let connections { flags += ["--connections", "\(connections)"] }
        flags += ["--log-level", logs.logLevel.rawValue, "--log-format", logs.logFormat.rawValue]
        return (executable, flags)
    }

    private func show(_ status: BuildStatus, _ output: OutputDirectory) throws {
        let total = status.total
        let summary = BuildSummary(
            status.sources.map {
                DatasetFacts.Source(
                    name: $0.name, format: "", rows: $0.rows, samples: $0.samples, rejections: $0.rejections.byReason)
            }, shards: total.publishedUnits - total.draftUnits, output: output.root)
        try printResult(json ? jsonText(status) : ([summary.line] + summary.advice).joined(separator: "\n"))
        for unit in status.failedUnits {
            printError("\(unit.unit.shardName): failed \(unit.failures) times: \(unit.message)")
        }
        guard total.failedUnits == 0 else {
            let waiting = total.draftUnits == 0 ? "" : "; shards are published at the end, after deduplication"
            throw CommandError(
                .failedWork,
                "\(total.failedUnits) work units failed for good; run the same command to try them again\(waiting)")
        }
        for fault in summary.faults { printError(fault) }
        if !summary.faults.isEmpty { throw ExitCode(CommandError.Code.failedWork.rawValue) }
    }
}

extension StorageError {
    /// A folder that cannot be used is bad input; a disk that has filled up leaves work to be resumed.
    fileprivate var exitCode: CommandError.Code {
        switch code {
        case .create, .open, .read, .occupied: .badInput
        case .write, .sync, .publish, .remove: .failedWork
        }
    }
}

extension CoordinationError {
    fileprivate var exitCode: CommandError.Code {
        switch code {
        case .manifestChanged, .planning, .newerSchema: .badInput
        case .locked: .unavailable
        case .store, .publish: .failedWork
        case .badResult, .busy, .conflict: .internalFault
        }
    }
}
