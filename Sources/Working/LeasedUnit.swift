import Commands
import Coordination
import Files
import Foundation
import Locks
import Logging
import Manifests
import Samples
import Shards
import Stages
import Storage
import Supervision
import Tensors
import Transport

/// A unit that this worker holds: its lease, how far it is, and whether the lease was taken away.
final class LeasedUnit: Sendable {
    let grant: LeaseGrant
    let progress: UnitProgress
    private let lost = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let lostSince = Locked<ContinuousClock.Instant?>(nil)

    init(_ grant: LeaseGrant, _ progress: UnitProgress) { (self.grant, self.progress) = (grant, progress) }

    var lease: Lease { grant.lease }

    /// The coordinator has taken the lease away.
    func drop() {
        lostSince.withLock { $0 = $0 ?? .now }
        lost.continuation.yield()
    }

    /// Whether the work goes on although the lease was taken away so long ago: a thread hangs.
    func isStuck(after patience: Duration) -> Bool {
        lostSince.withLock { $0.map { .now - $0 > patience } ?? false }
    }

    /// Throws once the lease is taken away; returns only when it is cancelled.
    fileprivate func failWhenDropped() async throws -> Bool {
        for await _ in lost.stream { throw StaleLease() }
        return false
    }
}

private struct StaleLease: Error {}

extension Worker {
    /// Carries one unit to its publication, or says why not.
    func work(_ leased: LeasedUnit) async throws {
        let (grant, progress) = (leased.grant, leased.progress)
        defer { removeScratch(grant) }
        do {
            try await renewing(leased) {
                let spool = try await self.disk.retrying {
                    try await self.spools.spool(of: grant.unit, generation: grant.lease.generation)
                }
                let unit = UnitInFlight(spool, progress, watch: RowWatch(grant))
                if try await self.publish(self.make(unit, grant.lease), grant.lease) {
                    try? await unit.spool.remove()  // what stays is removed when the build is finished
                }
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
            _ = try await disk.retrying { try await self.client.fail(grant.lease, message: "\(error)") }
        }
    }

    private func release(_ lease: Lease) async { await uncancelled { _ = try await self.client.release(lease) } }

    /// Has the coordinator put the files of a unit in place; whether it did.
    private func publish(_ result: UnitResult, _ lease: Lease) async throws -> Bool {
        do {
            // Also when it is asked to stop: the coordinator may be putting the files in place already.
            let standing = try await disk.retrying {
                try await shielded { try await self.client.publish(lease, result) }
            }
            if standing == .stale { throw StaleLease() }
            return true
        } catch let error as TransportError where error.code == .refused {
            logger.debug("publish refused", metadata: ["reason": "\(error)"])  // counted by the coordinator
            return false
        }
    }

    /// Runs `body`; renews the lease while its unit moves or waits as it said, and cancels `body` when the lease is lost.
    private func renewing(
        _ leased: LeasedUnit, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let (grant, progress) = (leased.grant, leased.progress)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask { try await leased.failWhenDropped() }
            group.addTask {
                var sighting = UnitProgress.Sighting()
                while true {
                    try await Task.sleep(for: grant.duration / 10)
                    guard progress.isAlive(since: &sighting) || self.disk.isPaused else { continue }
                    if try await self.client.renew(grant.lease) == .stale { leased.drop() }
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
        let (made, local) = places(unit.unit, generation: lease.generation)
        let done = await unit.spool.finished
        let summary = try await disk.retrying {
            let summary = try await self.shards.write(
                done, shardPath: local.shard, tablePath: local.table, moved: unit.progress.moved)
            try await blocking { [output] in
                try output.store.put(takingFile: local.table, to: made.table)
                try output.store.put(takingFile: local.shard, to: made.shard)
            }
            return summary
        }
        return UnitResult(
            samples: summary.shard.samples, byteCount: summary.shard.byteCount, digest: summary.shard.sha256,
            tableByteCount: summary.tableByteCount, tableDigest: summary.tableDigest, rejections: summary.rejections,
            made: .init(shard: made.shard.text, table: made.table.text))
    }

    /// Where what is made of a unit waits to be published, and where it is written first: beside the spools.
    private func places(_ unit: WorkUnit, generation: Int) -> (made: MadeShard, local: (shard: String, table: String)) {
        let made = MadeShard(unit.shardName, generation: generation)
        let file = "\(spools.path)/\(unit.shardName).\(generation)"
        return (made, (file + DatasetLayout.shardEnding, file + DatasetLayout.tableEnding))
    }

    private struct TooManyFailures: Error, CustomStringConvertible {
        let failed: Int
        let rows: Int
        let limit: Double
        var description: String { "\(failed) of \(rows) rows failed, over fetch.max_failure_ratio \(limit)" }
    }

    /// Removes what a unit left in scratch; after a publish there is nothing.
    private func removeScratch(_ grant: LeaseGrant) {
        let (made, local) = places(grant.unit, generation: grant.lease.generation)
        for path in [local.shard, local.table] { unsafe unlink(path) }
        // Litter where it fails, which the end of the build removes.
        for key in [made.shard, made.table] { try? output.store.delete(key) }
    }
}

/// The rows of a unit on which workers crashed, as they were when it was leased.
private struct RowWatch: CrashWatch {
    private let signals: [Int: Int]
    private let reporter: CrashReport.Reporter

    init(_ grant: LeaseGrant) {
        signals = Dictionary(grant.crashedRows.map { ($0.row, $0.signal) }) { first, _ in first }
        reporter = CrashReport.Reporter(grant.lease)
    }

    func crash(of id: SampleID) -> Int? { signals[id.row] }
    func working<Value>(on id: SampleID, _ body: () -> Value) -> Value { reporter.working(on: id.row, body) }
}
