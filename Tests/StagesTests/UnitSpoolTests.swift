import Foundation
import Images
import Locks
import RandomNumbers
import Samples
import TestSupport
import Testing

@testable import Stages

@Suite("The spool of a unit") struct UnitSpoolTests {
    /// The spools of the unit in `flow`'s folder, by generation.
    private func files(_ flow: TestFlow) throws -> [String] {
        let root = flow.folder
        return try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(".spool") }.sorted()
            .map { root + "/" + $0 }
    }

    @Test("stopped at any record, is gone on with: no row that is done is done again", .timeLimit(.minutes(2)))
    func resumed() async throws {
        let whole = try TestFlow(models: FakeModels())
        let reference = try await whole.rows()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(try files(whole).first)))
        var random = SplitMix64(seed: 3)
        for length in [0, 30, bytes.count] + (0..<25).map({ _ in Int.random(in: 0...bytes.count, using: &random) }) {
            let models = FakeModels()
            let flow = try TestFlow(models: models)
            defer { try? FileManager.default.removeItem(atPath: flow.folder) }
            _ = try await flow.spools.spool(of: flow.unit, generation: 1)
            let path = try #require(try files(flow).first)
            try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
            let states = try await flow.spools.spool(of: flow.unit, generation: 2).finished.states
            let rows = try await flow.rows(generation: 3)
            #expect(rows == reference, "\(length) bytes")
            // What the first lease had done was neither fetched nor captioned again.
            let open = Set(states.indices.filter { states[$0] == .open }.map { $0 + 100 })
            #expect(Set(flow.fetcher.asked.withLock { $0 }) == open, "\(length) bytes")
            let captioned = states.count { if case .captioned = $0 { true } else { false } }
            let kept = reference.count { $0.rejection == nil }
            #expect(models.keys.withLock { $0.count } == kept - captioned, "\(length) bytes")
            if length == bytes.count { #expect(open.isEmpty) }
        }
    }

    @Test("with any byte wrong, gives the same rows in the end", .timeLimit(.minutes(2)))
    func damaged() async throws {
        let whole = try TestFlow(models: FakeModels())
        let reference = try await whole.rows()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(try files(whole).first)))
        var random = SplitMix64(seed: 4)
        for _ in 0..<25 {
            var damaged = bytes
            let place = Int.random(in: bytes.indices, using: &random)
            damaged[place] ^= UInt8.random(in: 1...255, using: &random)
            let flow = try TestFlow(models: FakeModels())
            defer { try? FileManager.default.removeItem(atPath: flow.folder) }
            _ = try await flow.spools.spool(of: flow.unit, generation: 1)
            try damaged.write(to: URL(fileURLWithPath: try #require(try files(flow).first)))
            #expect(try await flow.rows(generation: 2) == reference, "byte \(place)")
        }
    }

    @Test("that cannot be read is passed over: its rows are done again")
    func unreadable() async throws {
        let flow = try TestFlow()
        _ = try await flow.spools.spool(of: flow.unit, generation: 1)
        let path = try #require(try files(flow).first)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await flow.run(generation: 2)
        #expect(flow.fetcher.asked.withLock { $0.count } == 60)
    }

    @Test("says when it has made room")
    func freed() async throws {
        let flow = try TestFlow()
        let freed = Locked(0)
        flow.spools.use.whenFreed { freed.withLock { $0 += 1 } }
        try await flow.run().spool.remove()
        #expect(freed.withLock { $0 } > 0 && flow.spools.use.byteCount == 0)
    }

    @Test("of another build is not used")
    func otherBuild() async throws {
        let flow = try TestFlow()
        try await flow.run()
        let other = try TestFlow(folder: flow.folder, build: "another")
        try await other.run(generation: 2)
        #expect(other.fetcher.asked.withLock { $0.count } == 60)
    }

    @Test("is read by later leases only, never written to by them, and removed with all others at the end")
    func leases() async throws {
        let flow = try TestFlow()
        let first = try await flow.run(generation: 1)
        let before = try Data(contentsOf: URL(fileURLWithPath: try files(flow)[0]))
        let second = try await flow.run(generation: 2)
        #expect(flow.fetcher.asked.withLock { $0.count } == 60)
        #expect(try Data(contentsOf: URL(fileURLWithPath: try files(flow)[0])) == before)
        #expect(try await flow.rows(of: second) == flow.rows(of: first))
        // The lease before is not over for who has it: it reads nothing of its successor.
        _ = try await flow.run(generation: 1)
        #expect(flow.fetcher.asked.withLock { $0.count } == 120)
        #expect(flow.spools.use.byteCount > 0)
        try await second.spool.remove()
        #expect(try files(flow).isEmpty)
    }

    @Test("has the rows that failed tried again after it was said that too many did")
    func retried() async throws {
        let flow = try TestFlow()
        let unit = try await flow.run(generation: 1)
        try await unit.spool.retryFailures()
        let asked = flow.fetcher.asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
        #expect(asked.count == 60)
        try await flow.run(generation: 2)
        #expect(Set(flow.fetcher.asked.withLock { $0 }) == Set((100..<160).filter { [3, 4].contains($0 % 10) }))
    }

    @Test("holds rows of every kind as they were")
    func everything() async throws {
        let flow = try TestFlow()
        let spool = try await flow.spools.spool(of: flow.unit, generation: 1)
        func origin(_ number: Int, _ given: [Caption] = []) -> RowOrigin {
            RowOrigin(
                id: SampleID(source: "s", row: 100 + number), sourceID: "ü", url: "http://h/\(number)", given: given)
        }
        let sum = try #require(ContentDigest(hex: String(repeating: "0f", count: 32)))
        let encoded = EncodedRow(
            origin: origin(0, [Caption(text: "a\0b", origin: .human), Caption(text: "c", origin: .web)]),
            answer: FetchAnswer(httpStatus: 203, finalURL: "http://e"), fetchedByteCount: 1 << 33, sha256: sum,
            original: Size(width: 70_000, height: 1),
            image: StoredImage(bytes: [1, 2, 3], fileExtension: "webp", size: Size(width: 3, height: 4)),
            perceptualHash: .max)
        let captions = RowCaptions(
            candidates: [ScoredCaption(text: "x", score: -0.25, origin: .blip)],
            kept: [ScoredCaption(text: "y", score: 1e-6, origin: .web)])
        let bare = LeftOutRow(origin(1), Rejection(.blockedAddress, ""))
        let known = LeftOutRow(
            origin(2), Rejection(.tooSmall, "1x1"), answer: FetchAnswer(httpStatus: 200), fetchedByteCount: 5,
            sha256: sum, original: Size(width: 1, height: 1))
        try await spool.add(encoded, number: 0)
        try await spool.add(captions, number: 0)
        try await spool.add(bare, number: 1)
        try await spool.add(known, number: 2)
        // The row came once more, and then was left out: the last word counts.
        try await spool.add(encoded, number: 3)
        try await spool.add(LeftOutRow(origin(3), Rejection(.decodeError, "no")), number: 3)
        for spool in [spool, try await flow.spools.spool(of: flow.unit, generation: 2)] {
            let rows = await spool.finished
            #expect(try rows.row(0) == .kept(encoded, captions))
            #expect(try rows.row(1) == .leftOut(bare))
            #expect(try rows.row(2) == .leftOut(known))
            #expect(try rows.row(3).rejection?.reason == .decodeError)
        }
    }
}
