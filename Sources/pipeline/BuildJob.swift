import Commands
import Coordination
import Foundation
import Logging
import Manifests
import Samples
import SourceAdapters
import Stages
import Storage
import Supervision
import Synchronization
import Transport

/// One build on this machine: the plan, the coordinator in this process, workers beside it, the output.
final class BuildJob: Sendable {
    let output: OutputDirectory
    private let manifest: Manifest
    private let record: BuildRecord
    private let checkpoints: Checkpoints
    private let store: SQLiteJobStore
    private let logger: Logger

    /// Opens the output of `resolved`, whose settings are those of `written`.
    init(written: Manifest, resolved: Manifest, logger: Logger) throws {
        manifest = resolved
        checkpoints = try Checkpoints(resolved)
        var settings = written.settings().merging(try resolved.inputSettings()) { $1 }
        for (role, digest) in checkpoints.digests { settings["checkpoint.\(role)"] = digest }
        record = BuildRecord(
            manifestDigest: written.digest(),
            manifest: String(decoding: try JSONEncoder().encode(resolved), as: UTF8.self),
            settings: settings, softwareVersion: softwareVersion, created: Date())
        output = OutputDirectory(resolved.output)
        try output.create()
        store = try SQLiteJobStore(path: output.stateFolder + "/build.sqlite")
        self.logger = logger
    }

    /// Cuts the sources into work units, unless that is done.
    func plan() throws {
        let sources = manifest.sources.map { source in
            SourcePlan(name: source.name) { [samples = manifest.shard.samples] emit in
                try makeAdapter(for: source).plan(unitRows: samples, limit: source.limit) { range in
                    try emit(range.firstRow, range.rowCount, range.start)
                }
            }
        }
        let outcome = try Planner(store: store).plan(record, sources: sources) { [manifest, output] in
            guard manifest.deduplicate.urls else { return }
            try DuplicateSearch(manifest, output).run()
        }
        if outcome == .resumed { try store.retryFailed() }
        let total = try store.status().total
        logger.info(
            outcome == .resumed ? "going on" : "planned",
            metadata: ["rows": "\(total.rows)", "units": "\(total.units)", "published": "\(total.publishedUnits)"])
    }

    /// Builds what is not built; gives the final status.
    ///
    /// The description is written also when the build is stopped.
    func run(
        workerCommand: (executable: String, flags: [String]), workers count: Int
    ) async throws -> BuildStatus {
        let coordinator = try Coordinator(
            store: store, current: record, logger: logger,
            makesDrafts: manifest.deduplicate.comparesImages
        ) { [output, manifest] unit, lease, _ in
            if manifest.deduplicate.comparesImages {
                try output.keepDraft(unit.shardName, generation: lease.generation)
            } else {
                try output.publish(unit.shardName, generation: lease.generation)
            }
        }
        try output.clearScratch(but: SpoolFolder.name(of: record.identity))
        try output.remove(store.unpublished(of: output.namesPresent()))
        do {
            if try await coordinator.hasWork() { try await work(coordinator, workerCommand, count) }
            if try await coordinator.status().phase == .deduplicating { try await removeDuplicates(coordinator) }
        } catch {
            try? describe(await coordinator.status())  // on a full disk that fails too, and says less than what stopped
            throw error
        }
        let status = try await coordinator.status()
        if status.phase == .finished {
            try output.clearDrafts()
            try output.clearScratch()
        }
        try describe(status)
        return status
    }

    private func work(
        _ coordinator: Coordinator, _ command: (executable: String, flags: [String]), _ count: Int
    ) async throws {
        let token = AccessToken()
        let tokenFile = output.stateFolder + "/token"
        try token.write(to: tokenFile)
        let hostTable = output.stateFolder + "/hosts"
        unlink(hostTable)  // another build may have had other workers
        defer {
            unlink(tokenFile)
            unlink(hostTable)
        }
        let progress = BuildProgress(label: manifest.name)
        let crashes = CrashWatcher(CrashLog(path: output.crashLogPath), logger)
        let supervisor = WorkerSupervisor(
            events: SupervisionEvents(
                line: { worker, line in progress.show(line: line, of: worker) },
                ended: { worker, message in
                    // A crash whose row is known is no failure of the unit: the row is left out when it is done again.
                    let isExplained = crashes.hasNew()
                    return try await coordinator.workerEnded(worker, message: isExplained ? nil : message)
                },
                hasWork: { try await coordinator.hasWork() }, hangs: { try await coordinator.hangs($0) }))
        let server = try CoordinatorServer(coordinator, token: token, logger: logger)
        try await server.serve { [self] url in
            let fleet = (0..<count).map { index in
                let table = "\(index)/\(count):\(hostTable)"
                let flags = [
                    "--coordinator", url, "--token-file", tokenFile, "--name", "w\(index)", "--host-table", table,
                ]
                return (
                    name: "w\(index)",
                    command: ProcessCommand(executable: command.executable, arguments: flags + command.flags)
                )
            }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await supervisor.run(fleet)
                    } catch let error as SupervisionError {
                        throw CommandError(error)
                    }
                    return true
                }
                group.addTask { try await self.follow(coordinator, progress) }
                defer { group.cancelAll() }
                while let isDone = try await group.next(), !isDone {}
            }
        }
        progress.finish(try await coordinator.status())
    }

    /// Publishes what waits for all units to be done.
    private func removeDuplicates(_ coordinator: Coordinator) async throws {
        let progress = BuildProgress(label: "\(manifest.name): duplicates")
        var described = ContinuousClock.now
        do {
            try await DuplicateRemoval(manifest, output, store).run { done, total in
                progress.show(done: done, total: total, failed: nil)
                guard ContinuousClock.now - described > .seconds(10) else { return }
                try describe(await coordinator.status())
                described = ContinuousClock.now
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // All units are done and recorded; a full disk or a damaged draft is what is left to fail.
            throw CommandError(.failedWork, "leaving repeated images out: \(error); run again to go on")
        }
        progress.leave(failed: nil)
    }

    /// Shows progress every second, and keeps `dataset.json` at most ten seconds behind.
    private func follow(_ coordinator: Coordinator, _ progress: BuildProgress) async throws -> Bool {
        var described = -1
        var tick = 0
        while true {
            let status = try await coordinator.status()
            progress.show(status)
            if tick % 10 == 0, status.total.publishedUnits != described {
                try describe(status)
                described = status.total.publishedUnits
            }
            tick += 1
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Writes what the output is by now.
    private func describe(_ status: BuildStatus) throws {
        try writeDescription(
            of: output, name: manifest.name, imageFormat: manifest.image.format, status: status, store: store,
            formats: Dictionary(manifest.sources.map { ($0.name, $0.format.rawValue) }) { first, _ in first },
            checkpoints: checkpoints)
    }
}

extension CommandError {
    fileprivate init(_ error: SupervisionError) {
        switch error.code {
        case .refuses: self.init(.badInput, "\(error)")
        case .diesAtStart: self.init(.internalFault, "\(error)")
        case .outage: self.init(.unavailable, "\(error.text); run the same command to resume")
        }
    }
}

/// Tells of crashes as they are written down.
private final class CrashWatcher: Sendable {
    private let log: CrashLog
    private let logger: Logger
    private let seen: Mutex<Int>

    init(_ log: CrashLog, _ logger: Logger) {
        (self.log, self.logger) = (log, logger)
        seen = Mutex(log.crashes().count)
    }

    /// Whether there are crashes that were not there the last time.
    func hasNew() -> Bool {
        let crashes = log.crashes()
        let new = seen.withLock { seen in
            defer { seen = crashes.count }
            return crashes.dropFirst(seen)
        }
        for crash in new {
            logger.warning(
                "a decoder crashed; the row is left out",
                metadata: ["source": "\(crash.source)", "row": "\(crash.row)", "signal": "\(crash.signal)"])
        }
        return !new.isEmpty
    }
}
