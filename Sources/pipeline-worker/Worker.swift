import Archives
import Captioning
import Commands
import Coordination
import Fetching
import Foundation
import Locks
import Logging
import Manifests
import Samples
import Shards
import SourceAdapters
import Stages
import Storage
import Supervision
import Tensors
import Transport
import VisionLanguage

/// A running worker: some units at once, all on the same fetcher, models and memory.
final class Worker: Sendable {
    private let manifest: Manifest
    private let client: CoordinatorClient
    private let logger: Logger
    private let output: OutputDirectory
    private let fetcher: CurlFetcher
    private let outages: OutageReport
    private let gate: RowGate
    private let disk: DiskPause
    private let spools: SpoolFolder
    private let shards: ShardStage
    private let desk: CaptionDesk?
    private let pulse = WorkerPulse()
    private let board: UnitBoard
    /// By the names of their sources: what an adapter finds out of its files is found out once.
    private let adapters: [String: any SourceAdapter]
    private let roots: ImageRoots
    private let excluded: DigestList
    private let crashLog: CrashLog
    private let finished = Locked(WorkerCounts())

    /// A worker of the build that the digest `build` names.
    init(
        manifest: Manifest, build: ContentDigest, profile: WorkerProfile, shared: SharedBounds?,
        client: CoordinatorClient, logger: Logger
    ) throws {
        self.manifest = manifest
        self.client = client
        self.logger = logger
        output = OutputDirectory(manifest.output)
        let gate = RowGate(.init(rows: profile.window, byteCount: profile.imageBytes))
        let outages = OutageReport(logger)
        guard CurlFetcher.canAsk(nameServers: profile.dnsServers) else {
            throw CommandError(.badInput, "dns_servers: want addresses such as 127.0.0.1:5353 or \"[::1]:53\"")
        }
        let fetcher = CurlFetcher(
            policy: FetchPolicy(manifest), connections: profile.connections, seed: manifest.seed,
            nameServers: profile.dnsServers, shared: shared, hasRoom: { gate.hasRoom }, outage: { outages.note($0) },
            attemptFailed: { attempt in
                logger.debug(
                    "an attempt failed",
                    metadata: [
                        "url": "\(attempt.url)", "attempt": "\(attempt.number)", "last": "\(attempt.isLast)",
                        "reason": "\(attempt.failure.rejection.reason.rawValue)",
                        "message": "\(attempt.failure.rejection.message)",
                    ])
            })
        if let fault = fetcher.sharingFault {
            logger.warning(
                "fetch.per_host is counted by each worker alone, so hosts may be asked more at once",
                metadata: ["reason": "\(fault)"])
        }
        gate.whenRoomIsMade { fetcher.wake() }
        (self.gate, self.fetcher, self.outages) = (gate, fetcher, outages)
        disk = DiskPause(outage: .seconds(manifest.fetch.outage)) { reason in
            gate.setClosed(reason != nil)
            if let reason {
                logger.warning(
                    "the disk is full: nothing more is started until there is room", metadata: ["what": "\(reason)"])
            } else {
                logger.notice("there is room on the disk again")
            }
        }
        spools = try SpoolFolder(
            scratch: profile.scratch.isEmpty ? output.scratchFolder : profile.scratch, build: build)
        shards = ShardStage(level: manifest.shard.zstdLevel)
        board = UnitBoard(limit: profile.units, scratchBytes: profile.scratchBytes, use: spools.use)
        roots = ImageRoots(followingLinks: Set(manifest.sources.filter(\.followLinks).flatMap(\.imageRoots)))
        let exclusions = try Exclusions(urls: manifest.exclude.urls, images: manifest.exclude.images)
        var adapters: [String: any SourceAdapter] = [:]
        for source in manifest.sources {
            adapters[source.name] = try makeAdapter(
                for: source, exclusions: exclusions,
                duplicates: manifest.deduplicate.urls ? output.duplicatesPath(source.name) : nil)
        }
        self.adapters = adapters
        excluded = try DigestList(paths: manifest.exclude.digests)
        crashLog = CrashLog(path: output.crashLogPath)
        try crashLog.install(as: logger.label)
        desk = try manifest.bootstraps ? Models(manifest, profile).desk(gate, disk, pulse) : nil
    }

    /// Works until the coordinator has nothing left.
    func run() async throws {
        defer { fetcher.close() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.workUntilDone()
                return true
            }
            group.addTask { try await self.sendHeartbeats() }
            group.addTask { try await self.outages.failWhenTooLong() }
            if let desk {
                group.addTask {
                    try await desk.run()
                    return false
                }
            }
            while let isDone = try await group.next(), !isDone {}
            group.cancelAll()  // only those that watch, and the models, are left
        }
    }

    /// Leases a unit whenever there is room for one, so that the network never waits for the last row of another.
    private func workUntilDone() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while !board.hasEnded, !Task.isCancelled {
                guard board.hasRoom else {
                    await board.change()
                    continue
                }
                switch try await client.acquire() {
                case .granted(let grant):
                    let progress = UnitProgress(pulse) { [board] in board.changed() }
                    board.add(grant.lease, progress)
                    group.addTask {
                        do {
                            try await self.work(grant, progress)
                        } catch {
                            self.board.end()
                            throw error
                        }
                    }
                case .wait(let pause): try await Task.sleep(for: pause)
                case .done: return
                }
            }
        }
    }

    /// Tells the coordinator every two seconds how far this worker is; ends when it is cancelled.
    private func sendHeartbeats() async throws -> Bool {
        while !Task.isCancelled {
            var counts = finished.withLock { $0 }
            let units = board.progress.map { lease, unit in
                counts.add(unit)
                return WorkerReport.Progress(lease: lease, rows: unit.rows)
            }
            _ = try? await client.heartbeat(counts, units: units)  // a lost one is made good by the next
            try? await Task.sleep(for: .seconds(2))  // ends early only when cancelled
        }
        return false
    }

    /// Carries one unit to its publication, or says why not.
    private func work(_ grant: LeaseGrant, _ progress: UnitProgress) async throws {
        defer {
            removeScratch(grant)
            finished.withLock { $0.add(progress.counts) }
            board.remove(grant.lease)
        }
        do {
            try await renewing(grant, progress) {
                let spool = try await self.disk.retrying {
                    try await self.spools.spool(of: grant.unit, generation: grant.lease.generation)
                }
                let unit = UnitInFlight(spool, progress, watch: RowWatch(self.crashLog, grant.unit.source))
                try await self.publish(self.make(unit, grant.lease), grant.lease)
                try? await unit.spool.remove()  // what stays is removed when the build is finished
            }
        } catch is CancellationError {
            await release(grant.lease)
            throw CancellationError()
        } catch let error as DiskFull {
            await release(grant.lease)
            throw error
        } catch let error as TransportError {
            throw error
        } catch let error as TorchError where error.kind == .deviceLost {
            // The row is not to blame: another process starts anew with the device.
            await release(grant.lease)
            throw error
        } catch is StaleLease {
            logger.debug("lease lost", metadata: ["unit": "\(grant.unit.shardName)"])
        } catch {
            logger.debug("unit failed", metadata: ["unit": "\(grant.unit.shardName)", "reason": "\(error)"])
            _ = try await client.fail(grant.lease, message: "\(error)")
        }
    }

    private func release(_ lease: Lease) async { await uncancelled { _ = try await self.client.release(lease) } }

    private struct StaleLease: Error {}

    private func publish(_ result: UnitResult, _ lease: Lease) async throws {
        do {
            // Also when it is asked to stop: the coordinator may be putting the files in place already.
            if try await shielded({ try await self.client.publish(lease, result) }) == .stale { throw StaleLease() }
        } catch let error as TransportError where error.code == .refused {
            logger.debug("publish refused", metadata: ["reason": "\(error)"])  // counted by the coordinator
        }
    }

    /// Runs `body`; renews the lease while its unit moves or waits as it said, and cancels `body` when the lease is lost.
    private func renewing(
        _ grant: LeaseGrant, _ progress: UnitProgress, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                var sighting = UnitProgress.Sighting()
                while true {
                    try await Task.sleep(for: grant.duration / 10)
                    guard progress.isAlive(since: &sighting) || self.disk.isPaused else { continue }
                    if try await self.client.renew(grant.lease) == .stale { throw StaleLease() }
                }
            }
            defer { group.cancelAll() }
            while let isDone = try await group.next(), !isDone {}
        }
    }

    /// Has every row of a unit done, then writes its shard and table into scratch.
    private func make(_ unit: UnitInFlight, _ lease: Lease) async throws -> UnitResult {
        guard let source = manifest.source(named: unit.unit.source), let adapter = adapters[source.name] else {
            throw CommandError(.badInput, "\(unit.unit.source): not a source of the manifest")
        }
        let isBootstrapped = source.captions == .bootstrap
        let runner = UnitRunner(
            images: ImageStage(
                manifest: manifest, fetcher: fetcher, roots: roots, excluded: excluded, watch: unit.watch,
                needsCaption: !isBootstrapped),
            desk: isBootstrapped ? desk : nil, gate: gate, disk: disk)
        try await runner.run(unit, of: adapter)
        let (failed, rows) = (unit.progress.counts.rejections.failureCount, unit.unit.rowCount)
        guard Double(failed) <= manifest.fetch.maxFailureRatio * Double(rows) else {
            try await disk.retrying { try await unit.spool.retryFailures() }
            throw TooManyFailures(failed: failed, rows: rows, limit: manifest.fetch.maxFailureRatio)
        }
        let (name, generation) = (unit.unit.shardName, lease.generation)
        let done = await unit.spool.finished
        let summary = try await disk.retrying {
            try await self.shards.write(
                done, shardPath: self.output.scratchShard(name, generation: generation),
                tablePath: self.output.scratchTable(name, generation: generation), moved: unit.progress.moved)
        }
        return UnitResult(
            samples: summary.shard.samples, byteCount: summary.shard.byteCount, digest: summary.shard.sha256,
            tableByteCount: summary.tableByteCount, tableDigest: summary.tableDigest, rejections: summary.rejections)
    }

    private struct TooManyFailures: Error, CustomStringConvertible {
        let failed: Int
        let rows: Int
        let limit: Double
        var description: String { "\(failed) of \(rows) rows failed, over fetch.max_failure_ratio \(limit)" }
    }

    /// Removes what a unit left in scratch; after a publish there is nothing.
    private func removeScratch(_ grant: LeaseGrant) {
        let (name, generation) = (grant.unit.shardName, grant.lease.generation)
        unlink(output.scratchShard(name, generation: generation))
        unlink(output.scratchTable(name, generation: generation))
    }
}

/// The crashes on rows of one source, as they were when a unit was begun.
private struct RowWatch: CrashWatch {
    private let signals: [Int: Int]

    init(_ log: CrashLog, _ source: String) {
        let own = log.crashes().filter { $0.source == source }.map { ($0.row, $0.signal) }
        signals = Dictionary(own) { first, _ in first }
    }

    func crash(of id: SampleID) -> Int? { signals[id.row] }
    func working<Value>(on id: SampleID, _ body: () -> Value) -> Value {
        CrashLog.working(on: id.source, row: id.row, body)
    }
}

/// The two models with what depends on them.
private struct Models {
    let bootstrap: BootstrapStage
    let views: ViewStage
    /// Images that are handed to the models at once.
    let batch: Int
    /// So many batches are under way that every engine has an image, and the next ones are prepared meanwhile.
    let batches: Int

    init(_ manifest: Manifest, _ profile: WorkerProfile) throws {
        let device = try profile.torchDevice()
        let cores = profile.threads > 0 ? profile.threads : ProcessInfo.processInfo.activeProcessorCount
        let engines = EnginePool(device: device, engineCount: DeviceUse.engineCount(on: device, cores: cores))
        let use = DeviceUse(
            of: device, batch: profile.batch > 0 ? profile.batch : nil, usesGraphs: profile.cudaGraphs)
        let precision = Precision(rawValue: manifest.precision.rawValue) ?? .auto
        let captioner = try BLIPCaptioner(
            directory: requireModel(manifest.caption.model, key: "caption.model"), prompt: manifest.caption.prompt,
            sampling: SamplingOptions(
                topP: manifest.caption.topP, topK: manifest.caption.topK, minLength: manifest.caption.minLength,
                maxLength: manifest.caption.maxLength, repetitionPenalty: manifest.caption.repetitionPenalty),
            seed: manifest.seed, precision: precision, engines: engines, use: use)
        let ranker = try CLIPRanker(
            directory: requireModel(manifest.rank.model, key: "rank.model"), precision: precision, engines: engines,
            use: use)
        bootstrap = BootstrapStage(manifest: manifest, captioner: captioner, ranker: ranker)
        views = ViewStage(captionerSide: captioner.imageSide, rankerSide: ranker.imageSide)
        batch = device == .cpu ? 4 : use.batch
        batches = device == .cpu ? max(2, cores / 2) : 3
    }

    func desk(_ gate: RowGate, _ disk: DiskPause, _ pulse: WorkerPulse) -> CaptionDesk {
        CaptionDesk(
            bootstrap: bootstrap, views: views, batch: batch, batches: batches, gate: gate, disk: disk, pulse: pulse)
    }
}

extension WorkerProfile {
    fileprivate func torchDevice() throws -> Tensors.Device {
        do {
            return try Tensors.Device(named: device)
        } catch {
            throw CommandError(.badInput, "device: \(error.message)")
        }
    }
}

extension WorkerCounts {
    fileprivate mutating func add(_ counts: UnitProgress.Counts) {
        rows += counts.rows
        samples += counts.samples
        fetchedByteCount += counts.fetchedByteCount
        rejections.merge(counts.rejections, uniquingKeysWith: +)
    }
}

/// Runs `body` although the surrounding task was cancelled, for a last word to the coordinator.
///
/// It gets two seconds: the coordinator may be gone already, and learns of a worker's end in another way too.
private func uncancelled(_ body: @escaping @Sendable () async throws -> Void) async {
    // What it could not say is found out.
    _ = try? await shielded {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { try await Task.sleep(for: .seconds(2)) }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// Runs `body` to its end, whether or not the surrounding task is cancelled meanwhile.
private func shielded<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await Task { try await body() }.value
}
