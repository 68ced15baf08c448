import Commands
package import Coordination
import Files
import Foundation
package import Logging
package import Slurm
import Storage
import Transport

/// Builds by jobs of a Slurm cluster, and tells how that ended, as `runBuild` does.
///
/// Following ends when the command is interrupted, or at once with `isDetached`; the jobs go on.
package func runOnCluster(
    _ request: ClusterRequest, _ options: BuildOptions, isDetached: Bool, logger: Logger
) async throws {
    let progress = BuildProgress(label: request.name)
    let build = ClusterBuild(request, progress: progress, logger: logger)
    do {
        let coordinator = try await build.submit()
        guard !isDetached else {
            return try printResult("submitted; pipeline status --output \(request.output) shows the build")
        }
        let status = try await build.follow(coordinator)
        progress.finish(status)
        try tellEnd(status, output: request.output, isJSON: options.isJSON)
    } catch is CancellationError {
        progress.stop()
        StandardError.line("the build goes on: pipeline status shows it, pipeline cancel ends it", level: .notice)
        throw CancellationError()
    } catch {
        throw CommandError(endOf: error) ?? error
    }
}

/// A build whose coordinator and workers are jobs of a Slurm cluster.
///
/// Nothing is remembered of what was submitted: jobs are found by their names (``JobNames``). So a submission that was cut short, a
/// job that a restarted controller has forgotten, and a second `pipeline build` all lead to the same jobs.
package struct ClusterBuild: Sendable {
    /// How often Slurm is asked.
    private static let interval: Duration = .seconds(10)
    /// So many submissions in a row without a published shard in between are a fault.
    private static let submissionLimit = 3

    private let request: ClusterRequest
    private let names: JobNames
    private let output: OutputDirectory
    private let slurm: SlurmCommands
    private let progress: BuildProgress
    private let logger: Logger

    package init(
        _ request: ClusterRequest, slurm: SlurmCommands = SlurmCommands(), progress: BuildProgress, logger: Logger
    ) {
        self.request = request
        names = JobNames(name: request.name, output: request.output)
        output = OutputDirectory(request.output)
        (self.slurm, self.progress, self.logger) = (slurm, progress, logger)
    }

    /// Submits the jobs that the build needs and does not have.
    ///
    /// - Throws: Where the output cannot be used, and where Slurm refuses a job or does not answer.
    ///
    /// Gives the number of the coordinator's job.
    @discardableResult
    package func submit() async throws -> String {
        if !output.isBegun { try output.requireFree() }
        try output.create()
        for folder in [request.places.logs, request.places.scripts] { try makeFolder(folder) }
        try ClusterJobs.note(name: request.name, output: request.output)
        // Two submissions at once would submit twice.
        guard let lock = try FileLock(request.places.scripts + "/lock") else {
            throw CommandError(.unavailable, "\(request.output): another command is submitting this build's jobs")
        }
        defer { withExtendedLifetime(lock) {} }
        let jobs = try await slurm.jobs(named: names.all)
        let kept = try await keepCoordinator(jobs)
        var submitted: [String] = []
        do {
            if kept == nil {
                AddressFile(request.places.address).reopen()
                submitted.append(try await submit(.coordinator(request), after: nil))
            }
            let coordinator = kept ?? submitted[0]
            for workers in request.workers where !isThere(workers, among: jobs) {
                submitted.append(try await submit(.workers(workers, of: request), after: coordinator))
            }
            return coordinator
        } catch {
            // Half a build is not what was asked for.
            if (error as? SlurmError)?.code == .refused { await cancel(submitted) }
            throw error
        }
    }

    /// Cancels the jobs `ids`, as far as Slurm lets it.
    private func cancel(_ ids: [String]) async {
        for id in ids {
            do {
                try await slurm.cancel(id: id)
            } catch {
                logger.warning("a job is left", metadata: ["job": "\(id)", "reason": "\(error.text)"])
            }
        }
    }

    /// Whether a job of `workers` waits or runs.
    private func isThere(_ workers: ClusterRequest.Workers, among jobs: [SlurmJob]) -> Bool {
        let name = names.job(workers.role)
        let alive = jobs.count { $0.name == name && $0.isAlive }
        if alive > 0 {
            logger.info("the workers' jobs are there already", metadata: ["name": "\(name)", "count": "\(alive)"])
        }
        return alive > 0
    }

    /// The number of the coordinator's job that is there, of several the one that runs; nil where there is none.
    private func keepCoordinator(_ jobs: [SlurmJob]) async throws(SlurmError) -> String? {
        let alive = jobs.filter { $0.name == names.job("coordinator") && $0.isAlive }
            .sorted { ($0.isOnNode ? 0 : 1, Int($0.id) ?? 0) < ($1.isOnNode ? 0 : 1, Int($1.id) ?? 0) }
        // Submitted by one who did not see the other, as after a crash of the controller.
        for spare in alive.dropFirst() { try await slurm.cancel(id: spare.id) }
        if let first = alive.first {
            logger.info("the coordinator's job is there already", metadata: ["job": "\(first.id)"])
        }
        return alive.first?.id
    }

    private func submit(_ script: BatchScript, after: String?) async throws -> String {
        let path = "\(request.places.scripts)/\(script.name).sbatch"
        try writeFile(Array(script.text.utf8), to: path, through: path + ".partial")
        let id = try await slurm.submit(path, after: after)
        logger.info("submitted", metadata: ["job": "\(id)", "name": "\(script.name)"])
        return id
    }

    /// Follows the build to its end, and submits again what is lost on the way; gives the final status.
    ///
    /// `coordinator` is the number of the coordinator's job, so that the end of a former one is not taken for its own.
    ///
    /// - Throws: Where the coordinator's job ended and the build did not, and where arrays of workers end one after the other.
    package func follow(_ coordinator: String) async throws -> BuildStatus {
        let live = LiveStatus(output: request.output)
        var coordinator = coordinator
        var asked: ContinuousClock.Instant?
        var published = -1
        var submissions = 0
        var shown = ""
        while true {
            let status = await live.read()
            if let status { progress.show(status) }
            if asked.map({ .now - $0 >= Self.interval }) ?? true {
                asked = .now
                let lack: String
                switch try await look(coordinator, &shown) {
                case .running: lack = ""
                case .ended(let status): return status
                case .noWorkers: lack = "its workers end without finishing a unit"
                case .noCoordinator: lack = "the coordinator's job disappears from the queue"
                }
                if !lack.isEmpty {
                    let done = status?.total.publishedUnits ?? published
                    (submissions, published) = (done > published ? 1 : submissions + 1, max(done, published))
                    guard submissions <= Self.submissionLimit else { throw await fault(lack) }
                    coordinator = try await submit()
                }
            }
            try await Task.sleep(for: .seconds(2))
        }
    }

    private enum Look {
        case running
        case ended(BuildStatus)
        /// No worker waits or runs.
        case noWorkers
        /// The controller does not know the coordinator's job.
        case noCoordinator
    }

    /// What Slurm knows of the build's jobs; says so when it has changed.
    private func look(_ coordinator: String, _ shown: inout String) async throws -> Look {
        let jobs: [SlurmJob]
        do {
            jobs = try await slurm.jobs(named: names.all)
        } catch {
            guard error.code == .unreachable else { throw error }
            logger.warning("Slurm does not answer; the jobs go on", metadata: ["reason": "\(error.text)"])
            return .running
        }
        let summary = JobSummary(jobs, names, coordinator: coordinator)
        if summary.text != shown {
            logger.info("jobs", metadata: ["state": "\(summary.text)"])
            shown = summary.text
        }
        if summary.isCoordinatorAlive { return summary.hasWorkers ? .running : .noWorkers }
        // A job that has ended closed its store before.
        if let recorded = try? RecordedStatus(of: output), !recorded.isRunning,
            [.finished, .failed].contains(recorded.status.phase)
        {
            return .ended(recorded.status)
        }
        guard let end = summary.coordinatorEnd else { return .noCoordinator }
        throw await fault(
            "the coordinator's job ended: \(end)", job: coordinator, code: await ownCode(coordinator, end))
    }

    /// The exit code with which the coordinator of the job `id` itself ended; `unavailable` where it was ended.
    private func ownCode(_ id: String, _ end: String) async -> CommandError.Code {
        guard end == "failed", let code = await slurm.exitCode(of: id).flatMap(CommandError.Code.init) else {
            return .unavailable
        }
        switch code {
        case .failedWork, .usage, .badInput, .unavailable, .internalFault: return code
        case .outage, .interrupted, .terminated: return .unavailable
        }
    }

    /// `text` with what the coordinator said last, in the job of that number where one is given, and what to do.
    private func fault(
        _ text: String, job: String? = nil, code: CommandError.Code = .unavailable
    ) async -> CommandError {
        let log = await blocking { [request, names] in
            lastError(in: request.places.logs, names.job("coordinator") + "-" + (job.map { "\($0).log" } ?? ""))
        }
        let told = log.map { "; it said: \($0)" } ?? ""
        let advice = [.usage, .badInput].contains(code) ? "" : "; run the same command to resume"
        return CommandError(code, "\(text)\(told); logs are in \(request.places.logs)\(advice)")
    }
}

extension ClusterRequest.Places {
    /// Those of the build into the folder `output`.
    package init(output: String) {
        let folder = OutputDirectory(output)
        self.init(
            address: folder.path(DatasetLayout.address), token: folder.path(DatasetLayout.token),
            logs: "\(output)/\(DatasetLayout.logFolder)", scripts: "\(output)/\(DatasetLayout.jobFolder)")
    }
}

/// The last error line in the newest log whose name begins with `name`; nil where there is none.
private func lastError(in folder: String, _ name: String) -> String? {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    // They end in the job's number.
    let newest = files.filter { $0.hasPrefix(name) }.max { ($0.count, $0) < ($1.count, $1) }
    guard let newest, let data = FileManager.default.contents(atPath: "\(folder)/\(newest)") else { return nil }
    return String(decoding: data.suffix(1 << 16), as: UTF8.self).split(separator: "\n").reversed().lazy
        .compactMap(errorText).first.map { String($0.prefix(1000)) }
}

/// What a line of a log says, as text or as JSON, if it is the error that a command ended with.
private func errorText(_ line: Substring) -> String? {
    if line.hasPrefix("error: ") { return String(line.dropFirst("error: ".count)) }
    guard line.hasPrefix("{"), let fields = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8)),
        fields["level"] == "error"
    else { return nil }  // another line, or the rest of one
    return fields["message"]
}
