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

/// How a worker came to its end.
package enum WorkEnd: Hashable, Sendable {
    /// Nothing is left to do; so many units failed for good.
    case done(failedUnits: Int)
    /// It was asked to leave, and there may be more to do.
    case left
}

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
    /// Whether the spools are where the coordinator may not reach them.
    private let hasOwnScratch: Bool
    let shards: ShardStage
    let desk: CaptionDesk?
    private let pulse = WorkerPulse()
    private let board: UnitBoard
    /// By the names of their sources: what an adapter finds out of its files is found out once.
    let adapters: [String: any SourceAdapter]
    let roots: ImageRoots
    let excluded: DigestList
    /// After so long without its lease, a unit that still goes on is taken to hang; a batch of a large model takes minutes.
    private static let hangTime: Duration = .seconds(600)
    private let finished = Locked(WorkerCounts())
    private let leave = AsyncStream.makeStream(of: Duration.self, bufferingPolicy: .bufferingNewest(1))

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
            nameServers: profile.dnsServers, proxy: profile.proxy, shared: shared,
            // Workers of one machine that share a table need no share of the coordinator's.
            hosts: shared == nil
                ? SharedHosts(
                    connections: manifest.fetch.perHost.connections, rate: manifest.fetch.perHost.rate) : nil,
            hasRoom: { gate.hasRoom }, outage: { outages.note($0) },
            attemptFailed: { attempt in
                logger.debug(
                    "an attempt failed",
                    metadata: [
                        "url": "\(attempt.url)", "attempt": "\(attempt.number)", "last": "\(attempt.isLast)",
                        "reason": "\(attempt.failure.rejection.reason.rawValue)",
                        "message": "\(attempt.failure.rejection.message)",
                    ])
            })
        if !profile.proxy.isEmpty {
            logger.warning(
                "images are fetched through a proxy: only the proxy can refuse hosts whose names lead to private addresses",
                metadata: ["proxy": "\(profile.proxy)"])
        }
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
        hasOwnScratch = !profile.scratch.isEmpty
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
        try CrashReport.install()
        desk = try manifest.bootstraps ? LoadedModels(manifest, profile).desk(gate, disk, pulse) : nil
    }

    /// Asks the worker to leave: it takes no more units, and those that are not done after `grace` are given back.
    package func leave(within grace: Duration) {
        leave.continuation.yield(grace)
        board.end()
    }

    /// Works until the coordinator has nothing left, or until it was asked to leave.
    package func run() async throws -> WorkEnd {
        defer { fetcher.close() }
        do {
            let end = try await runUntilDone()
            // Units that failed for good go on from there when the build is resumed.
            if end == .done(failedUnits: 0), hasOwnScratch {
                try? await spools.remove()  // another worker of this machine may do so at the same time
            }
            return end
        } catch is WantedElsewhere {
            return .left
        }
    }

    private struct WantedElsewhere: Error {}

    /// Ends the work some time after it was asked to leave.
    @Sendable private func endLate() async throws {
        for await grace in leave.stream {
            try await Task.sleep(for: grace)
            throw WantedElsewhere()
        }
    }

    private func runUntilDone() async throws -> WorkEnd {
        try await withThrowingTaskGroup(of: WorkEnd?.self) { group in
            group.addTask { try await self.workUntilDone() }
            for watch in [endLate, sendHeartbeats, outages.failWhenTooLong] + (desk.map { [$0.run] } ?? []) {
                group.addTask {
                    try await watch()
                    return nil
                }
            }
            defer { group.cancelAll() }  // only those that watch, and the models, are left
            while let end = try await group.next() {
                if let end { return end }
            }
            return .left
        }
    }

    /// Leases a unit whenever there is room for one, so that the network never waits for the last row of another.
    private func workUntilDone() async throws -> WorkEnd {
        try await withThrowingDiscardingTaskGroup { group in
            while !board.hasEnded, !Task.isCancelled {
                guard board.hasRoom else {
                    await board.change()
                    continue
                }
                // A request that is broken off may have been granted already.
                let answer = try await disk.retrying {
                    try await shielded(grace: .seconds(2)) { try await self.client.acquire() }
                }
                switch answer {
                case .granted(let grants):
                    for grant in grants {
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
                    }
                case .wait(let pause): try await Task.sleep(for: pause)
                case .done(let failedUnits): return .done(failedUnits: failedUnits)
                case .replaced:
                    throw CommandError(
                        .badInput, "another worker of this name has started: give each worker a name of its own")
                }
            }
            return .left
        }
    }

    /// Tells the coordinator every two seconds how far this worker is and which hosts it uses; ends when it is cancelled.
    @Sendable private func sendHeartbeats() async throws {
        while !Task.isCancelled {
            var counts = finished.withLock { $0 }
            let units = board.units.map { leased in
                let unit = leased.progress.counts
                counts.add(unit)
                return WorkerReport.Progress(lease: leased.lease, rows: unit.rows)
            }
            if board.units.contains(where: { $0.isStuck(after: Self.hangTime) }) {
                StandardError.line("a unit whose lease was lost goes on: the process hangs, and is started again")
                _exit(CommandError.Code.internalFault.rawValue)
            }
            let asked = ContinuousClock.now
            let uses = fetcher.hosts?.uses(at: asked) ?? []
            // One that does not arrive is made up for by the next.
            if let answer = try? await client.heartbeat(counts, units: units, hosts: uses.isEmpty ? nil : uses) {
                if !answer.lost.isEmpty { board.drop(answer.lost) }
                fetcher.apply(answer.hosts, to: uses, asked: asked)
            }
            await pauseBetweenHeartbeats()
        }
    }

    /// Two seconds, or less when a host is wanted and nothing is shared yet.
    private func pauseBetweenHeartbeats() async {
        for step in 0..<8 where !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(250))  // ends early only when cancelled
            if step > 0, fetcher.hosts?.isWaiting == true { return }
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
