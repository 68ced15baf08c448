import Coordination
import Digests
import Foundation
import Samples
import Storage
import TestSupport
import Testing

@testable import Builds

@Suite("The keeper of shards") struct ShardKeeperTests {
    private let unit = WorkUnit(
        source: "s", index: 0, firstRow: 0, rowCount: 1, start: InputPosition(file: 0, offset: 0))
    private let shard: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]
    private let table = Array("PAR1 table".utf8)
    private let made = MadeShard("s-000000", generation: 1)

    private func withKeeper(_ body: (ShardKeeper) throws -> Void) throws {
        let output = OutputDirectory(try Project.temporaryFolder("keeper"))
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try output.create()
        let store = MemoryJobStore()
        let build = BuildRecord(
            manifestDigest: digest(of: ""), manifest: "", settings: [:], softwareVersion: "1", created: Date())
        _ = try Planner(store: store).plan(build, sources: [SourcePlan(name: "s") { try $0(0, 1, unit.start) }])
        let keeper = ShardKeeper(output: output, store: store)
        try output.store.put(shard, to: made.shard)
        try output.store.put(table, to: made.table)
        try body(keeper)
    }

    private func result(made: UnitResult.MadeObjects? = nil) -> UnitResult {
        UnitResult(
            samples: 1, byteCount: shard.count, digest: digest(of: shard), tableByteCount: table.count,
            tableDigest: digest(of: table), rejections: [:], made: made)
    }

    private func published(_ keeper: ShardKeeper, _ folder: String = "shards/") throws -> [ObjectKey] {
        try keeper.output.store.list(folder, after: nil, limit: 10).entries.map(\.key)
    }

    private let both: [ObjectKey] = ["shards/s-000000.parquet", "shards/s-000000.tar.zst"]

    @Test("publishes what a worker has made once it has read it again, and is not confused when it is asked twice")
    func publish() throws {
        try withKeeper { keeper in
            try keeper.publish(unit, generation: 1, result())
            #expect(try published(keeper) == both)
            #expect(try keeper.output.store.stat(made.shard) == nil && keeper.output.store.stat(made.table) == nil)
            try keeper.publish(unit, generation: 1, result())
            #expect(try keeper.output.store.read(both[1], byteLimit: 99) == shard)
        }
    }

    @Test("takes it from nowhere but where the worker's lease lets it be")
    func places() throws {
        try withKeeper { keeper in
            let store = keeper.output.store
            let named = [
                "mine.tar.zst", "../mine.tar.zst", ".state/scratch/../../mine.tar.zst", "shards/s-000000.1.tar.zst",
                ".state/scratch/s-000000.2.tar.zst", ".state/scratch/s-000001.1.tar.zst", "",
            ]
            for other in named {
                if let key = ObjectKey(other) { try store.put(shard, to: key) }
                let elsewhere = UnitResult.MadeObjects(shard: other, table: made.table.text)
                #expect(throws: (any Error).self, "\(other)") {
                    try keeper.publish(unit, generation: 1, result(made: elsewhere))
                }
            }
            #expect(try !published(keeper).contains(both[1]))
            let right = UnitResult.MadeObjects(shard: made.shard.text, table: made.table.text)
            try keeper.publish(unit, generation: 1, result(made: right))
            #expect(try store.read(both[1], byteLimit: 99) == shard)
        }
    }

    @Test(
        "publishes nothing that is not what the worker says: shorter, missing, or with a flipped bit",
        arguments: [0, 1])
    func damaged(which: Int) throws {
        try withKeeper { keeper in
            let (store, key) = (keeper.output.store, [made.shard, made.table][which])
            let bytes = try store.read(key, byteLimit: 99)
            var flipped = bytes
            flipped[bytes.count - 1] ^= 1
            for damaged in [Array(bytes.dropLast()), [], flipped, nil] {
                if let damaged { try store.put(damaged, to: key) } else { try store.delete(key) }
                let error = #expect(throws: (any Error).self) { try keeper.publish(unit, generation: 1, result()) }
                #expect(error.map { "\($0)".hasPrefix(store.place(of: key)) } == true)
                #expect(try published(keeper) == [])
            }
            try store.put(bytes, to: key)
            try keeper.publish(unit, generation: 1, result())
            #expect(try published(keeper) == both)
        }
    }

    @Test("goes on wherever it was killed before", arguments: [false, true])
    func killed(asDraft: Bool) throws {
        let (draftTable, draftShard) = (DatasetLayout.draftTable("s-000000"), DatasetLayout.draftShard("s-000000"))
        let places = asDraft ? [draftTable, draftShard] : both
        for step in 0...4 {
            try withKeeper { keeper in
                let store = keeper.output.store
                if !asDraft { try keeper.store.recordOwned(unit: keeper.store.id(of: unit)) }
                if step > 0 { try store.copy(made.table, to: places[0]) }
                if step > 1 { try store.copy(made.shard, to: places[1]) }
                if step > 2 { try store.delete(made.table) }
                if step > 3 { try store.delete(made.shard) }
                try keeper.publish(unit, generation: 1, result(), asDraft: asDraft)
                #expect(try published(keeper, asDraft ? ".state/drafts/" : "shards/") == places, "step \(step)")
                #expect(try store.read(places[1], byteLimit: 99) == shard)
            }
        }
    }

    @Test("does not take a shard of another generation for what was made, where that is gone")
    func othersInPlace() throws {
        try withKeeper { keeper in
            try keeper.publish(unit, generation: 1, result())
            try keeper.output.store.put(shard.reversed(), to: both[1])
            #expect(throws: (any Error).self) { try keeper.publish(unit, generation: 2, result()) }
        }
    }

    @Test("overwrites no file of others")
    func occupied() throws {
        try withKeeper { keeper in
            try keeper.output.store.put([9], to: both[1])
            let error = #expect(throws: StorageError.self) { try keeper.publish(unit, generation: 1, result()) }
            #expect(error?.code == .occupied)
            #expect(try keeper.output.store.read(both[1], byteLimit: 9) == [9])
        }
    }
}
