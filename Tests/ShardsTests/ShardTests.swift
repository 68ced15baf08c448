import Digests
import Foundation
import Samples
import Shards
import TestSupport
import Testing

private func sample(_ row: Int, imageByteCount: Int, text: String = "a small red circle") -> ShardSample {
    var random = SeededGenerator(seed: UInt64(row))
    let image = (0..<imageByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    let kept = [
        ScoredCaption(text: text, score: 0.25, origin: .blip), ScoredCaption(text: "web \"text\"\n", score: 1, origin: .web),
    ]
    return ShardSample(
        image: image, imageExtension: row % 3 == 0 ? "webp" : "jpg",
        metadata: SampleMetadata(
            key: SampleID(source: "s", row: row).key, source: "s", sourceID: "id\(row)", url: "http://h/\(row)?a=b&c",
            width: 3, height: 4, originalWidth: 30, originalHeight: 40, sha256: String(repeating: "0", count: 64),
            webCaption: "web \"text\"\n", captions: kept, candidates: kept.reversed()))
}

private func write(_ samples: [ShardSample], to path: String) throws -> ShardSummary {
    let writer = try ShardWriter(path: path, level: 3)
    for sample in samples { try writer.append(sample) }
    return try writer.finish()
}

private func readAll(_ path: String) throws -> [ShardSample] {
    let reader = try ShardReader(path: path)
    var samples: [ShardSample] = []
    while let sample = try reader.next() { samples.append(sample) }
    return samples
}

@Suite("A shard") struct ShardTests {
    let folder: String
    var path: String { folder + "/s-000000.tar.zst" }
    let samples = [0, 1, 511, 512, 513, 70_000, 1_000_000].enumerated().map { sample($0.offset, imageByteCount: $0.element) }

    init() throws { folder = try Project.temporaryFolder("shard") }

    @Test("gives back what was written, one by one and by key")
    func roundTrip() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let summary = try write(samples, to: path)
        #expect(try readAll(path) == samples)
        for sample in samples { #expect(try ShardReader.sample(sample.key, in: path) == sample) }
        #expect(try ShardReader.sample("s-000000000099", in: path) == nil)
        #expect(try ShardIndex(path: path).places.map(\.key) == samples.map(\.key))
        #expect(try verifyShard(path) == summary)
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(digest(of: bytes) == summary.sha256 && bytes.count == summary.byteCount)
    }

    @Test("is the same bytes every time")
    func determinism() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try write(samples, to: path) == write(samples, to: path + "2"))
    }

    @Test("may hold no sample at all")
    func empty() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try write([], to: path).samples == 0)
        #expect(try readAll(path).isEmpty)
        #expect(try verifyShard(path).samples == 0)
    }

    @Test("that is cut off anywhere, or has one bit flipped anywhere, is found out and never crashes")
    func damage() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try write([sample(0, imageByteCount: 300), sample(1, imageByteCount: 700)], to: path)
        let whole = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
        let damaged = folder + "/damaged"
        for length in 0..<whole.count {
            try Data(whole[..<length]).write(to: URL(fileURLWithPath: damaged))
            #expect(throws: ShardError.self, "\(length) of \(whole.count) bytes") { try verifyShard(damaged) }
        }
        var random = SeededGenerator(seed: 1)
        for place in whole.indices {
            var bytes = whole
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try Data(bytes).write(to: URL(fileURLWithPath: damaged))
            let found = (try? verifyShard(damaged)).map { $0.sha256 != digest(of: whole) } ?? true
            #expect(found, "byte \(place)")
        }
    }

    @Test("writes JSON with the same keys for all, scores with a decimal point, and text as it is")
    func json() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try write([sample(5, imageByteCount: 10, text: "ünï \u{1} \\ 猫 \"q\"")], to: path)
        let listed = try Program.run("/bin/sh", ["-c", "zstd -dcq \(path) | tar -xOf - s-000000000005.meta.json"])
        #expect(listed.output.hasPrefix(#"{"key":"s-000000000005","source":"s","source_id":"id5","url":"http://h/5?a=b&c","#))
        #expect(listed.output.contains(#"{"text":"ünï \u0001 \\ 猫 \"q\"","score":0.25,"origin":"blip"}"#))
        #expect(listed.output.contains(#""score":1.0,"#))
    }

    @Test("opens with GNU tar, members adjacent and in order, fixed owner, mode and time")
    func gnuTar() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try write(Array(samples.prefix(2)), to: path)
        let listed = try Program.run("/usr/bin/env", ["TZ=UTC", "tar", "--zstd", "-tvf", path])
        #expect(listed.status == 0, "\(listed.errors)")
        let lines = listed.output.split(separator: "\n")
        #expect(lines.map { $0.split(separator: " ").last.map(String.init) } == samples.prefix(2).flatMap { sample in
            [sample.imageExtension, "txt", "json", "meta.json"].map { "\(sample.key).\($0)" }
        })
        #expect(lines.allSatisfy { $0.hasPrefix("-rw-r--r-- 0/0") && $0.contains("1970-01-01 00:00") })
    }

    @Test("refuses keys that loaders would split or hide", arguments: ["", "a.b", "a/b", "__a", "ü", "a b", String(repeating: "k", count: 95)])
    func keys(_ key: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var metadata = samples[0].metadata
        metadata.key = key
        let writer = try ShardWriter(path: path, level: 3)
        let error = #expect(throws: ShardError.self) {
            try writer.append(ShardSample(image: [1], imageExtension: "jpg", metadata: metadata))
        }
        #expect(error?.code == .key)
    }
}
