import Coordination
import Digests
import Foundation
import Locks
import Logging
import Manifests
import Samples
import Storage
import TestSupport
import Testing

@testable import Builds

@Suite(
    "Removing repeated images",
    .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
struct DuplicateRemovalTests {
    /// Has a store record that every shard of `output` is a draft, and moves the files to where drafts are.
    private func draft(_ output: PublishedOutput, _ store: SQLJobStore) throws {
        let build = BuildRecord(
            manifestDigest: digest(of: ""), manifest: "", settings: [:], softwareVersion: "1", created: Date())
        let count = output.names.count
        let source = SourcePlan(name: "s") { emit in
            for index in 0..<count { try emit(index * 4, 4, InputPosition(file: 0, offset: 0)) }
        }
        _ = try Planner(store: store).plan(build, sources: [source])
        for name in output.names {
            let folder = output.directory
            let (shard, table) = (
                try digest(ofFile: folder.shardPath(name)), try digest(ofFile: folder.tablePath(name))
            )
            let result = UnitResult(
                samples: 3, byteCount: shard.byteCount, digest: shard.digest, tableByteCount: table.byteCount,
                tableDigest: table.digest, rejections: ["timeout": 1])
            try FileManager.default.moveItem(atPath: folder.shardPath(name), toPath: folder.draftShard(name))
            try FileManager.default.moveItem(atPath: folder.tablePath(name), toPath: folder.draftTable(name))
            try store.transact(under: LeasePolicy()) { transaction throws(CoordinationError) in
                let request = LeaseRequest(worker: "w", incarnation: "i", name: name)
                guard case .granted(let grants) = try transaction.acquire(request), let lease = grants.first?.lease
                else {
                    throw CoordinationError(.conflict, name, "not granted")
                }
                _ = try transaction.beginPublish(lease, result, owning: false)
                _ = try transaction.commitPublish(lease, result, asDraft: true)
            }
        }
    }

    @Test("waits for a database that is away, and publishes every draft when it is back")
    func databaseAway() async throws {
        let output = try PublishedOutput(shards: 3)
        defer { output.remove() }
        let server = try PostgresServer()
        let store = try openStore(output.directory, server.url)
        #expect(try store.lead(as: "test", for: .seconds(8)) == .leading)
        try draft(output, store)
        let manifest = try Manifest(yaml: "{version: 1, name: n, sources: [{name: s, format: csv, path: l.csv}]}")
        let keeper = ShardKeeper(output: output.directory, store: store, server: store)
        let isStopped = Locked(false)
        async let restarted: Void = {
            while !isStopped.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(10)) }
            // Long enough for each draft to find it away: a store tries ten seconds by itself.
            try await Task.sleep(for: .seconds(11))
            try server.start()
        }()
        try await DuplicateRemoval(manifest, keeper, Logger(label: "test")).run { done, total in
            #expect(total == 12)
            guard done == 0 else { return }
            try server.stop(crash: true)
            isStopped.withLock { $0 = true }
        }
        try await restarted
        let status = try store.status().total
        #expect(status.draftUnits == 0 && status.publishedUnits == 3)
        for name in output.names {
            #expect(FileManager.default.fileExists(atPath: output.directory.shardPath(name)))
            #expect(!FileManager.default.fileExists(atPath: output.directory.draftShard(name)))
        }
    }
}
