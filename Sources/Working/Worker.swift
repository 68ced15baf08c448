import Archives
import Commands
import Coordination
package import Fetching
import Foundation
import Locks
package import Logging
package import Manifests
package import Samples
import SourceAdapters
import Stages
import Storage
import Supervision
package import Transport

/// A running worker: some units at once, all on the same fetcher, models and memory.
package final class Worker: Sendable {
    let manifest: Manifest
    let client: CoordinatorClient
    let logger: Logger
    let output: OutputDirectory
    let fetcher: CurlFetcher
    private let outages: OutageReport
    let gate: RowGate
    let disk: DiskPause
    let spools: SpoolFolder
    let shards: ShardStage
    let desk: CaptionDesk?
    private let pulse = WorkerPulse()
    private let board: UnitBoard
    /// By the names of their sources: what an adapter finds out of its files is found out once.
    let adapters: [String: any SourceAdapter]
    let roots: ImageRoots
    let excluded: DigestList
    let crashLog: CrashLog
    private let finished = Locked(WorkerCounts())

    /// A worker of the build that the digest `build` names.
    package init(
        manifest: Manifest, build: ContentDigest, profile: WorkerProfile, shared: SharedBounds?,
        client: CoordinatorClient, logger: Logger
    ) throws {
        self.manifest = manifest
        self.client = client
        self.logger = logger
        output = OutputDirectory(manifest.output)
        let gate = RowGate(.init(rows: profile.window, putOff: profile.putOff, byteCount: profile.imageBytes))
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
                "fetch.per_host is applied by each worker separately, so hosts may get more requests",
                metadata: ["reason": "\(fault)"])
        }
        gate.whenRoomIsMade { fetcher.wake() }
        (self.gate, self.fetcher, self.outages) = (gate, fetcher, outages)
        disk = DiskPause(outage: .seconds(manifest.fetch.outage)) { reason in
            gate.setClosed(reason != nil)
            if let reason {
                logger.warning(
                    "the disk is full: waiting for room", metadata: ["what": "\(reason)"])
            } else {
                logger.notice("the disk has room again: resumed")
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
        desk = try manifest.bootstraps ? LoadedModels(manifest, profile).desk(gate, disk, pulse) : nil
    }

    /// Works until the coordinator has nothing left.
    package func run() async throws {
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
                switch try await disk.retrying({ try await self.client.acquire() }) {
                case .granted(let grant):
                    let leased = LeasedUnit(grant, UnitProgress(pulse) { [board] in board.changed() })
                    board.add(leased)
                    group.addTask {
                        defer {
                            self.finished.withLock { $0.add(leased.progress.counts) }
                            self.board.remove(leased.lease)
                        }
                        do {
                            try await self.work(leased)
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
            let units = board.units.map { leased in
                let unit = leased.progress.counts
                counts.add(unit)
                return WorkerReport.Progress(lease: leased.lease, rows: unit.rows)
            }
            // The next heartbeat says what a lost one would have.
            if let lost = try? await client.heartbeat(counts, units: units), !lost.isEmpty { board.drop(lost) }
            try? await Task.sleep(for: .seconds(2))  // ends early only when cancelled
        }
        return false
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
