import Commands
package import Coordination
import Files
import Foundation
import Locks
package import Logging
package import Manifests
import Samples
package import SourceAdapters
import Stages
import Storage
import Transport

/// One build: the plan, the coordinator in this process, the output.
package final class BuildJob: Sendable {
    private let keeper: ShardKeeper
    private let written: Manifest
    private let manifest: Manifest
    private let record: BuildRecord
    private let checkpoints: Checkpoints
    private let inputs: InputFiles
    private let progress: BuildProgress
    private let logger: Logger
    private let disk: DiskPause
    /// What is published is read first: a few at once keep a disk busy and share its syncs, more only take memory.
    private let publishing = BlockingQueue(width: 8)
    /// What ends the build as soon as it is known.
    private let fault = Locked<CommandError?>(nil)
    private var store: any JobStore { keeper.store }
    private var output: OutputDirectory { keeper.output }

    /// The output that is written to.
    package var root: String { output.root }

    /// Brings the lists of `request` here; `keeper` has its output, which nobody else writes to.
    package init(
        _ request: BuildRequest, _ keeper: ShardKeeper, _ progress: BuildProgress, logger: Logger
    ) async throws {
        (written, self.progress, self.logger) = (request.manifest, progress, logger)
        var resolved = written.resolved(besideFile: request.file)
        resolved.output = request.output
        self.keeper = keeper
        try keeper.begin()
        let fingerprints = Fingerprints(path: keeper.output.fingerprintsPath)
        resolved = try await LocalInputs(
            folder: keeper.output.inputsFolder, fingerprints: fingerprints, logger: logger
        ).localized(resolved)
        try requireImageRoots(resolved, request.file)
        disk = DiskPause(outage: .seconds(resolved.fetch.outage)) { reason in
            if let reason {
                logger.warning(
                    "the disk is full: dataset.json will be written when there is room", metadata: ["what": "\(reason)"]
                )
            } else {
                logger.notice("the disk has room again: resumed")
            }
        }
        let manifest = resolved
        self.manifest = manifest
        (checkpoints, inputs) = try await abandonable {
            (try Checkpoints(manifest), try InputFiles(manifest, fingerprints))
        }
        var settings = written.settings().merging(inputs.settings) { $1 }
        for (role, digest) in checkpoints.digests {
            settings["\(role == "ranker" ? "rank" : "caption").model: content"] = digest
        }
        record = BuildRecord(
            manifestDigest: written.digest(),
            manifest: String(decoding: try JSONEncoder().encode(manifest), as: UTF8.self),
            settings: settings, softwareVersion: softwareVersion, created: Date())
    }

    /// Cuts the sources into work units, unless that is done.
    package func plan() async throws {
        let outcome = try await abandonable { try self.planned() }
        if outcome == .resumed { try store.retryFailed() }
        let total = try store.status().total
        logger.info(
            outcome == .resumed ? "resuming" : "planned",
            metadata: ["rows": "\(total.rows)", "units": "\(total.units)", "published": "\(total.publishedUnits)"])
    }

    private func planned() throws -> Planner.PlanOutcome {
        let sources = manifest.sources.map { source in
            SourcePlan(name: source.name) { [manifest] emit in
                try requireFetchable(source, manifest)
                let needsDigests = manifest.fetch.verifyDigests && source.hasDigests
                let adapter = try makeAdapter(for: source, needsDigests: needsDigests)
                try adapter.plan(unitRows: manifest.shard.samples, limit: source.limit) { range in
                    try emit(range.firstRow, range.rowCount, range.start)
                }
            }
        }
        return try Planner(store: store).plan(record, sources: sources) {
            try examineExclusions(manifest)
            if manifest.deduplicate.urls { try DuplicateSearch(manifest, output).run() }
            try inputs.check()
        }
    }

    /// Builds what is not built; gives the final status.
    ///
    /// The description is written also when the build is stopped. `scratch` is where workers keep rows that are done, if it is
    /// not the output's own folder.
    package func run(
        _ workforce: any Workforce, _ listening: Listening, scratch: String?
    ) async throws -> BuildStatus {
        let coordinator = try Coordinator(
            store: store, current: record, policy: LeasePolicy(silence: manifest.fetch.longestSilence), logger: logger,
            makesDrafts: manifest.deduplicate.comparesImages, crashes: CrashRecord(path: output.crashLogPath),
            isFree: { [output] unit in await blocking { output.isFree(unit.shardName) } },
            discardFiles: { [output] unit, lease in
                try await blocking { try output.discard(MadeShard(unit.shardName, generation: lease.generation)) }
            },
            publishFiles: { publication, isOwned in
                try await self.publishing.run { try self.publish(publication, isOwned: isOwned) }
            })
        try await coordinator.takeOver(workforce.formerLeases)
        // Workers that go on write there.
        if workforce.formerLeases == .released { try output.clearScratch(but: SpoolFolder.name(of: record.identity)) }
        _ = try await blocking { [self] in try keeper.repair(logger) }
        do {
            if try await coordinator.hasWork() {
                try await work(coordinator, workforce, listening)
            } else {
                listening.sayFinished(logger)
            }
            if let fault = fault.withLock({ $0 }) { throw fault }
            // Units that failed may have met another list than the one that was planned: then that is what happened.
            if try await coordinator.status().total.failedUnits > 0 { try await blocking { try self.inputs.check() } }
            if try await coordinator.status().phase == .deduplicating { try await removeDuplicates(coordinator) }
        } catch let error as CoordinationError where error.code == .deposed {
            throw error
        } catch {
            // On a full disk that fails too, and says less than what stopped.
            if let status = try? await coordinator.status() {
                progress.note(status)
                _ = try? describe(status)
            }
            throw error
        }
        let status = try await coordinator.status()
        if status.phase == .finished {
            try output.clearDrafts()
            try output.clearScratch()
            if let scratch { try SpoolFolder.clear(scratch: scratch, build: record.identity) }
        }
        guard try await blocking({ [self] in try keeper.repair(logger) }) == 0 else {
            try await describe(coordinator)
            throw CommandError(.failedWork, "shards were lost while others were made: run the same command again")
        }
        if try await !describe(coordinator) { logger.notice("README.md was edited, and is left as it is") }
        return status
    }

    /// Puts the files of a finished unit in place, unless a list has changed since they were begun.
    private func publish(_ publication: Publication, isOwned: Bool) throws {
        do {
            try inputs.check()
        } catch let error as CommandError {
            fault.withLock { $0 = error }
            throw error
        }
        try keeper.publish(
            publication.unit, generation: publication.lease.generation, publication.result,
            asDraft: manifest.deduplicate.comparesImages, isOwned: isOwned)
    }

    private func work(
        _ coordinator: Coordinator, _ workforce: any Workforce, _ listening: Listening
    ) async throws {
        let service = try CoordinatorService(
            listening, output,
            hostLimits: (manifest.fetch.perHost.connections, manifest.fetch.perHost.rate), logger)
        try await service.serve(coordinator) { [self] url in
            let place = Workplace(
                coordinator: coordinator, url: url, tokenFile: service.tokenFile, output: output, progress: progress,
                logger: logger)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await workforce.work(at: place)
                    return true
                }
                group.addTask { try await self.follow(coordinator) }
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
            try await DuplicateRemoval(manifest, keeper, logger).run { done, total in
                progress.show(done: done, total: total, failed: nil)
                guard ContinuousClock.now - described > .seconds(10) else { return }
                try await describe(coordinator)
                described = ContinuousClock.now
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as CommandError {
            throw error
        } catch let error as CoordinationError {
            throw error
        } catch {
            // All units are done and recorded; a full disk or a damaged draft is what is left to fail.
            throw CommandError(
                isDiskFull(error) ? .unavailable : .failedWork,
                "removing repeated images: \(error); run the same command to resume")
        }
        progress.leave(failed: nil)
    }

    /// Shows progress every second, and writes `dataset.json` at once, because it may say that all is done, and now and then.
    private func follow(_ coordinator: Coordinator) async throws -> Bool {
        var described = -1
        var nextDescription = ContinuousClock.now
        var failed = 0
        var tick = 0
        while true {
            let status = try await patiently(logger) { try await coordinator.status() }
            progress.show(status)
            if tick % 10 == 0 || status.total.failedUnits > failed { try await blocking { try self.inputs.check() } }
            if let fault = fault.withLock({ $0 }) { throw fault }
            failed = status.total.failedUnits
            if .now >= nextDescription, status.total.publishedUnits != described {
                let start = ContinuousClock.now
                do {
                    try await patiently(logger) { try await unhurried { _ = try self.describe(status) } }
                    described = status.total.publishedUnits
                } catch  where isDiskFull(error) {
                    logger.debug("dataset.json not written", metadata: ["reason": "\(error)"])  // tried again soon
                }
                // It grows with the build: so it takes a five-hundredth of the time, however large it is.
                nextDescription = .now + max(.seconds(10), (.now - start) * 500)
            }
            if tick % 10 == 0 {
                try await patiently(logger) { try await coordinator.finishPublications(expired: true) }
            }
            tick += 1
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Writes what the output is by now, as soon as there is room on the disk; answers whether the card was written too.
    @discardableResult
    private func describe(_ coordinator: Coordinator) async throws -> Bool {
        do {
            return try await patiently(logger) {
                let status = try await coordinator.status()
                return try await disk.retrying { try self.describe(status) }
            }
        } catch let error as DiskFull {
            throw CommandError(.unavailable, "\(error); run the same command to resume")
        }
    }

    /// Writes what the output is by now; answers whether the card was written too.
    @discardableResult
    private func describe(_ status: BuildStatus) throws -> Bool {
        try writeDescription(written, status, keeper, checkpoints)
    }
}

/// Refuses lists under `exclude` that cannot be read, before a worker meets them.
package func examineExclusions(_ manifest: Manifest) throws(SourceError) {
    _ = try Exclusions(urls: manifest.exclude.urls, images: manifest.exclude.images)
    let digests = try DigestList(paths: manifest.exclude.digests)
    if digests.hasMD5, let source = manifest.sources.first(where: { $0.format == .shards }) {
        throw SourceError(
            .malformed, "exclude.digests",
            "MD5 digests cannot be compared with source \(source.name): shards keep SHA-256 alone; list that")
    }
}
