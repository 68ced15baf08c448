import Archives
import Captioning
import Commands
import Coordination
import Fetching
import Foundation
import Logging
import Manifests
import Samples
import Shards
import SourceAdapters
import Stages
import Storage
import Supervision
import Synchronization
import Tensors
import Transport
import VisionLanguage

/// A running worker: some units at once, all on the same fetcher, models and memory.
final class Worker: Sendable {
    private let manifest: Manifest
    private let profile: WorkerProfile
    private let client: CoordinatorClient
    private let logger: Logger
    private let output: OutputDirectory
    private let fetcher: CurlFetcher
    private let outages: OutageReport
    private let budget: ByteBudget
    private let models: Models?
    /// By the names of their sources: what an adapter finds out of its files is found out once.
    private let adapters: [String: any SourceAdapter]
    private let roots = ImageRoots()
    private let excluded: DigestList
    private let crashLog: CrashLog
    private let running = Mutex<[Lease: UnitProgress]>([:])
    private let finished = Mutex(WorkerCounts())

    init(manifest: Manifest, profile: WorkerProfile, client: CoordinatorClient, logger: Logger) throws {
        self.manifest = manifest
        self.profile = profile
        self.client = client
        self.logger = logger
        output = OutputDirectory(manifest.output)
        outages = OutageReport(logger)
        fetcher = CurlFetcher(
            policy: FetchPolicy(manifest), connections: profile.connections, seed: manifest.seed,
            outage: { [outages] in outages.note($0) })
        budget = ByteBudget(limit: profile.imageBytes)
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
        try crashLog.install()
        models = manifest.bootstraps ? try Models(manifest, profile) : nil
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
            while let isDone = try await group.next(), !isDone {}
            group.cancelAll()  // only those that watch are left
        }
    }

    /// Leases a unit when all rows of the one before were started, so that the network never waits for the models.
    private func workUntilDone() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var unitsInFlight = 0
            while true {
                if unitsInFlight == profile.units {
                    try await group.next()
                    unitsInFlight -= 1
                }
                switch try await client.acquire() {
                case .granted(let grant):
                    let (started, allStarted) = AsyncStream.makeStream(
                        of: Never.self, bufferingPolicy: .bufferingNewest(1))
                    group.addTask {
                        defer { allStarted.finish() }
                        try await self.work(grant) { allStarted.finish() }
                    }
                    unitsInFlight += 1
                    for await _ in started {}
                case .wait(let pause): try await Task.sleep(for: pause)
                case .done:
                    for try await _ in group {}
                    return
                }
            }
        }
    }

    /// Tells the coordinator every two seconds how far this worker is; ends when it is cancelled.
    private func sendHeartbeats() async throws -> Bool {
        while !Task.isCancelled {
            var counts = finished.withLock { $0 }
            let units = running.withLock { $0 }.map { lease, progress in
                counts.add(progress.counts)
                return WorkerReport.Progress(lease: lease, rows: progress.counts.rows)
            }
            _ = try? await client.heartbeat(counts, units: units)  // a lost one is made good by the next
            try? await Task.sleep(for: .seconds(2))  // ends early only when cancelled
        }
        return false
    }

    /// Carries one unit to its publication, or says why not; `allStarted` is called when its last row was started.
    private func work(_ grant: LeaseGrant, allStarted: @escaping @Sendable () -> Void) async throws {
        let progress = UnitProgress()
        running.withLock { $0[grant.lease] = progress }
        defer {
            running.withLock { $0[grant.lease] = nil }
            finished.withLock { $0.add(progress.counts) }
            removeScratch(grant)
        }
        do {
            let result = try await renewing(grant, progress) { try await self.make(grant, progress, allStarted) }
            try await publish(result, grant.lease)
        } catch is CancellationError {
            await uncancelled { _ = try await self.client.release(grant.lease) }
            throw CancellationError()
        } catch let error as TransportError {
            throw error
        } catch is StaleLease {
            logger.debug("lease lost", metadata: ["unit": "\(grant.unit.shardName)"])
        } catch {
            logger.debug("unit failed", metadata: ["unit": "\(grant.unit.shardName)", "reason": "\(error)"])
            _ = try await client.fail(grant.lease, message: "\(error)")
        }
    }

    private struct StaleLease: Error {}

    private func publish(_ result: UnitResult, _ lease: Lease) async throws {
        do {
            if try await client.publish(lease, result) == .stale { throw StaleLease() }
        } catch let error as TransportError where error.code == .refused {
            logger.debug("publish refused", metadata: ["reason": "\(error)"])  // counted by the coordinator
        }
    }

    /// Runs `body`; renews the lease while rows get done, and cancels `body` when the lease is lost.
    private func renewing(
        _ grant: LeaseGrant, _ progress: UnitProgress, _ body: @escaping @Sendable () async throws -> UnitResult
    ) async throws -> UnitResult {
        try await withThrowingTaskGroup(of: UnitResult?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                var rows = 0
                while true {
                    try await Task.sleep(for: grant.duration / 10)
                    guard progress.counts.rows > rows else { continue }
                    rows = progress.counts.rows
                    if try await self.client.renew(grant.lease) == .stale { throw StaleLease() }
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    /// Writes the shard of a unit and its table into scratch.
    private func make(
        _ grant: LeaseGrant, _ progress: UnitProgress, _ allStarted: @escaping @Sendable () -> Void
    ) async throws -> UnitResult {
        guard let source = manifest.source(named: grant.unit.source), let adapter = adapters[source.name] else {
            throw CommandError(.badInput, "\(grant.unit.source): not a source of the manifest")
        }
        let (name, generation) = (grant.unit.shardName, grant.lease.generation)
        let shard = ShardStage(
            shardPath: output.scratchShard(name, generation: generation),
            tablePath: output.scratchTable(name, generation: generation), level: manifest.shard.zstdLevel)
        let isBootstrapped = source.captions == .bootstrap
        let runner = UnitRunner(
            images: ImageStage(
                manifest: manifest, fetcher: fetcher, roots: roots, excluded: excluded,
                watch: RowWatch(crashLog, source.name), views: isBootstrapped ? models?.views : nil),
            bootstrap: isBootstrapped ? models?.bootstrap : nil,
            limits: .init(
                window: profile.window, running: profile.connections, batch: models?.batch ?? 1, batches: 2),
            budget: budget)
        try await runner.run(grant.unit, of: adapter, allStarted: allStarted) { row in
            try await shard.write(row)
            progress.count(row)
        }
        let summary = try await shard.finish()
        let failed = summary.rejections.failureCount
        guard Double(failed) <= manifest.fetch.maxFailureRatio * Double(grant.unit.rowCount) else {
            throw TooManyFailures(failed: failed, rows: grant.unit.rowCount, limit: manifest.fetch.maxFailureRatio)
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
private struct Models: Sendable {
    let bootstrap: BootstrapStage
    let views: ImageStage.ViewSides
    /// Images that are handed to the models at once.
    let batch: Int

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
        views = .init(
            captioner: captioner.imageSide, ranker: ranker.imageSide, areMadeByModels: device != .cpu)
        batch = device == .cpu ? 4 : use.batch
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
    let task = Task {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { try await Task.sleep(for: .seconds(2)) }
            try await group.next()
            group.cancelAll()
        }
    }
    _ = try? await task.value  // what it could not say is found out
}
