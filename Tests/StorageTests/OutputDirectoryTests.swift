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

    @Test("shows a shard only when both its files are finished, and can publish again after a crash")
    func publish() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try Data("t".utf8).write(to: URL(fileURLWithPath: output.scratchTable("s-000000", generation: 1)))
        #expect(throws: StorageError.self) { try output.publish("s-000000", generation: 1) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.shardFolder).isEmpty)
        try Data("t".utf8).write(to: URL(fileURLWithPath: output.scratchTable("s-000000", generation: 2)))
        try Data("s".utf8).write(to: URL(fileURLWithPath: output.scratchShard("s-000000", generation: 2)))
        try output.publish("s-000000", generation: 2)
        #expect(output.shardNames() == ["s-000000"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
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
}
