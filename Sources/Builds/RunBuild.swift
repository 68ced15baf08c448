import Commands
import Coordination
package import Logging
import Manifests
import Reports
import Samples
import Transport

/// How a build is run and told, but for what it is of.
package struct BuildOptions: Sendable {
    package var listening = Listening()
    /// Where workers keep rows that are done, if that is not the output's own folder.
    package var scratch: String?
    /// Whether the final status is written as JSON.
    package var isJSON = false

    package init() {}
}

/// Builds what `request` asks for, or resumes it, and tells how that ended: what is printed and thrown is the command's.
package func runBuild(
    _ request: BuildRequest, _ workforce: any Workforce, _ options: BuildOptions, logger: Logger
) async throws {
    let progress = BuildProgress(label: request.manifest.name)
    do {
        let keeper = try openOutput(request)
        let build: @Sendable () async throws -> Void = {
            options.listening.address?.reopen()
            let job = try await BuildJob(request, keeper, progress, logger: logger)
            try await job.plan()
            let status = try await job.run(workforce, options.listening, scratch: options.scratch)
            try tellEnd(status, output: job.root, isJSON: options.isJSON)
        }
        if let server = keeper.server { try await Lead(server, logger).run(build) } else { try await build() }
    } catch is CancellationError {
        StandardError.line("\(progress.interrupted()), run the same command to resume", level: .notice)
        throw CancellationError()
    } catch {
        throw CommandError(endOf: error) ?? error
    }
}

/// Prints what a build came to; throws where a unit failed for good, or where nothing of a source was kept.
func tellEnd(_ status: BuildStatus, output: String, isJSON: Bool) throws {
    let total = status.total
    let summary = BuildSummary(
        status.sources.map {
            DatasetFacts.Source(
                name: $0.name, format: "", rows: $0.rows, samples: $0.samples, rejections: $0.rejections.byReason)
        }, shards: total.publishedUnits - total.draftUnits, output: output)
    try printResult(isJSON ? jsonText(status) : ([summary.line] + summary.advice).joined(separator: "\n"))
    for unit in status.failedUnits {
        printError("\(unit.unit.shardName): failed \(unit.failures) times: \(unit.message)")
    }
    guard total.failedUnits == 0 else {
        let waiting = total.draftUnits == 0 ? "" : "; shards are published at the end, after deduplication"
        throw CommandError(
            .failedWork,
            "\(total.failedUnits) work units failed for good; run the same command to try them again\(waiting)")
    }
    for fault in summary.faults.dropLast() { printError(fault) }
    if let fault = summary.faults.last { throw CommandError(.failedWork, fault) }
}
