import ArgumentParser
import Builds
import Commands
import Coordination
import Foundation
import Manifests
import Reports
import Samples
import Storage

/// Says how far a build is.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the progress of a build: sources, rows left out by reason, workers. It may be running.",
        discussion: """
            A build is planning, running, deduplicating, interrupted, finished, or failed (some units were given up).
            Read permission is enough; nothing is written.

            EXAMPLES:
              pipeline status --output out/cc3m
              pipeline status --output out/cc3m --watch
            """)

    @Option(help: ArgumentHelp("The output directory.", valueName: "dir")) var output: String
    @Flag(help: "Update every two seconds until the build stops.") var watch = false
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    /// What is written as JSON.
    private struct Output: Encodable {
        let state: String
        let status: BuildStatus

        func encode(to encoder: any Encoder) throws {
            try status.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(state, forKey: .state)
        }

        private enum Key: String, CodingKey { case state }
    }

    func run() async throws {
        let directory = OutputDirectory(absolutePath(output))
        guard directory.isBegun else {
            throw CommandError(.badInput, "\(output): not an output of pipeline build: no \(directory.storePath)")
        }
        // A bar is redrawn where a person looks on; elsewhere each look stands for itself.
        let isScreen = watch && !json && isatty(STDOUT_FILENO) == 1
        let live = LiveStatus(output: directory.root)
        while true {
            let recorded = try await live.read().map(RecordedStatus.init(running:)) ?? RecordedStatus(of: directory)
            if isScreen { try printResult("\u{1b}[H\u{1b}[2J", terminator: "") }
            try show(recorded)
            try await showJobs(directory)
            guard watch, recorded.isRunning else { return }
            try await Task.sleep(for: .seconds(2))
            if !isScreen, !json { try printResult("") }
        }
    }

    /// Says what Slurm knows of a build's jobs, unless they ended with it.
    private func showJobs(_ directory: OutputDirectory) async throws {
        guard !json, ClusterJobs.exist(directory.root) else { return }
        let summary: String
        do {
            summary = try await ClusterJobs(output: directory.root, given: output).summary()
        } catch {
            return printError("the jobs are not shown: \(error)")  // this may not be a machine of the cluster
        }
        try printResult("jobs: \(summary)")
    }

    private func show(_ recorded: RecordedStatus) throws {
        let (status, state) = (recorded.status, recorded.state)
        if json { return try printResult(jsonText(Output(state: state, status: status))) }
        try printResult(view(status, state).text(), terminator: "")
        for unit in status.failedUnits {
            try printResult("failed for good: \(unit.unit.shardName), \(unit.failures) times: \(unit.message)")
        }
        if state == "interrupted" { try printResult("run the same command of pipeline build to resume") }
    }

    private func view(_ status: BuildStatus, _ state: String) -> StatusView {
        let now = Date()
        return StatusView(
            name: URL(fileURLWithPath: output).lastPathComponent, state: state,
            sources: status.sources.map { source in
                .init(
                    .init(
                        name: source.name, format: "", rows: source.publishedRows + source.rowsInFlight,
                        samples: source.samples, rejections: source.rejections.byReason),
                    plannedRows: source.rows, units: source.units,
                    publishedUnits: source.publishedUnits - source.draftUnits, rowsPerSecond: source.rowsPerSecond)
            },
            workers: status.workers.map { worker in
                .init(
                    name: worker.name, unit: "", rows: worker.counts.rows,
                    lastSeen: .seconds(max(0, now.timeIntervalSince(worker.seen))))
            },
            rowsPerSecond: status.rowsPerSecond)
    }
}
