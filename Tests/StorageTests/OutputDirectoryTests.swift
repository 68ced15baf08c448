import Foundation
import Storage
import TestSupport
import Testing

@Suite("An output directory") struct OutputDirectoryTests {
    private func output() throws -> OutputDirectory {
        let output = OutputDirectory(try Project.temporaryFolder("output"))
        try output.create()
        return output
    }

    @Test("shows a shard only when both its files are finished, and a newer one of the same name in its place")
    func publish() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try put("table", at: output.scratchTable("s-000000", generation: 1))
        let error = #expect(throws: StorageError.self) { try output.publish("s-000000", generation: 1) }
        #expect(error?.code == .publish && error?.path == output.scratchShard("s-000000", generation: 1))
        #expect(try published(output).isEmpty)
        for generation in 2...3 {
            try put("table \(generation)", at: output.scratchTable("s-000000", generation: generation))
            try put("shard \(generation)", at: output.scratchShard("s-000000", generation: generation))
            try output.publish("s-000000", generation: generation)
            #expect(output.shardNames() == ["s-000000"])
            #expect(try published(output) == ["s-000000.parquet", "s-000000.tar.zst"])
            #expect(
                FileManager.default.contents(atPath: output.shardPath("s-000000")) == Data("shard \(generation)".utf8))
            #expect(
                FileManager.default.contents(atPath: output.tablePath("s-000000")) == Data("table \(generation)".utf8))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder) == ["s-000000.1.parquet"])
        try output.clearScratch()
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
    }

    @Test("shows nothing of a shard whose second file cannot be renamed")
    func failedRename() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try FileManager.default.createDirectory(
            atPath: output.shardPath("s-000000") + "/in the way", withIntermediateDirectories: true)
        try put("table", at: output.scratchTable("s-000000", generation: 1))
        try put("shard", at: output.scratchShard("s-000000", generation: 1))
        #expect(throws: StorageError.self) { try output.publish("s-000000", generation: 1) }
        #expect(try published(output) == ["s-000000.tar.zst"], "only what was in the way")
    }

    @Test("is rid of what a killed publisher left, at whichever step it was killed, and keeps what is recorded")
    func leftovers() throws {
        for step in 0...3 {
            let output = try output()
            defer { try? FileManager.default.removeItem(atPath: output.root) }
            try put("table", at: output.scratchTable("s-000000", generation: 1))
            try put("shard", at: output.scratchShard("s-000000", generation: 1))
            try output.publish("s-000000", generation: 1)
            // Killed before the first rename, after it, after the second; killed after the shard was recorded.
            try put(
                "table", at: step > 0 ? output.tablePath("s-000001") : output.scratchTable("s-000001", generation: 7))
            try put(
                "shard", at: step > 1 ? output.shardPath("s-000001") : output.scratchShard("s-000001", generation: 7))
            try output.clearScratch()
            let names = step == 3 ? ["s-000000", "s-000001"] : ["s-000000"]
            try output.remove(output.namesPresent().filter { !names.contains($0) })
            #expect(try published(output) == names.flatMap { ["\($0).parquet", "\($0).tar.zst"] }, "step \(step)")
            #expect(output.shardNames() == names)
            #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
        }
    }

    @Test("replaces a small file in one step, or leaves it as it was")
    func smallFiles() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try output.write(Array("old".utf8), to: "README.md")
        try output.write(Array("new".utf8), to: "README.md")
        #expect(FileManager.default.contents(atPath: output.root + "/README.md") == Data("new".utf8))
        try FileManager.default.removeItem(atPath: output.scratchFolder)
        let error = #expect(throws: StorageError.self) { try output.write([], to: "README.md") }
        #expect(error?.code == .create)
        #expect(FileManager.default.contents(atPath: output.root + "/README.md") == Data("new".utf8))
    }

    @Test("writes dataset.json and sizes.json that read back, the same bytes for the same content")
    func description() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        var totals = DatasetDescription.Totals()
        totals.statuses = ["success": 2, "timeout": 1, "http_error": 7]
        let description = DatasetDescription(
            name: "n", manifestDigest: "d", modelDigests: ["ranker": "r", "captioner": "c"], softwareVersion: "1",
            complete: true, totals: totals,
            shards: [.init(name: "s-000000", source: "s", samples: 2, bytes: 9, sha256: "e")])
        try output.write(description)
        let first = FileManager.default.contents(atPath: output.descriptionPath)
        #expect(try output.readDescription() == description)
        try output.write(description)
        #expect(FileManager.default.contents(atPath: output.descriptionPath) == first)
        let sizes = FileManager.default.contents(atPath: output.root + "/sizes.json") ?? Data()
        #expect(try JSONDecoder().decode([String: Int].self, from: sizes) == ["s-000000.tar.zst": 2])
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
    }

    @Test("that is none says so")
    func missing() {
        let error = #expect(throws: StorageError.self) { try OutputDirectory("/nowhere").readDescription() }
        #expect(error?.description.contains("/nowhere/dataset.json: read: no such file") == true)
    }

    private func put(_ text: String, at path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func published(_ output: OutputDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: output.shardFolder).sorted()
    }
}
