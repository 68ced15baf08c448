import Files
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
        let error = #expect(throws: StorageError.self) { try output.publish(MadeShard("s-000000", generation: 1)) }
        #expect(error?.code == .publish && error?.path == output.scratchShard("s-000000", generation: 1))
        #expect(try published(output).isEmpty)
        for generation in 2...3 {
            try put("table \(generation)", at: output.scratchTable("s-000000", generation: generation))
            try put("shard \(generation)", at: output.scratchShard("s-000000", generation: generation))
            try output.publish(MadeShard("s-000000", generation: generation))
            #expect(try output.dataset.shardNames() == ["s-000000"])
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
        #expect(throws: StorageError.self) { try output.publish(MadeShard("s-000000", generation: 1)) }
        #expect(try published(output) == ["s-000000.tar.zst"], "only what was in the way")
    }

    @Test("is rid of what a killed publisher left, at whichever step it was killed, and keeps what is recorded")
    func leftovers() throws {
        for step in 0...3 {
            let output = try output()
            defer { try? FileManager.default.removeItem(atPath: output.root) }
            try put("table", at: output.scratchTable("s-000000", generation: 1))
            try put("shard", at: output.scratchShard("s-000000", generation: 1))
            try output.publish(MadeShard("s-000000", generation: 1))
            // Killed before the first rename, after it, after the second; killed after the shard was recorded.
            try put(
                "table", at: step > 0 ? output.tablePath("s-000001") : output.scratchTable("s-000001", generation: 7))
            try put(
                "shard", at: step > 1 ? output.shardPath("s-000001") : output.scratchShard("s-000001", generation: 7))
            try output.clearScratch()
            let names = step == 3 ? ["s-000000", "s-000001"] : ["s-000000"]
            if step < 3 { try output.remove(["s-000001"]) }
            #expect(try published(output) == names.flatMap { ["\($0).parquet", "\($0).tar.zst"] }, "step \(step)")
            #expect(try output.dataset.shardNames() == names)
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
        try put("in the way", at: output.scratchFolder)
        let error = #expect(throws: StorageError.self) { try output.write([], to: "README.md") }
        #expect(error?.code == .create)
        #expect(FileManager.default.contents(atPath: output.root + "/README.md") == Data("new".utf8))
    }

    @Test("keeps what two write at once apart, so that one who goes on late spoils nothing")
    func writersAtOnce() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        func text() -> String? {
            FileManager.default.contents(atPath: output.descriptionPath).map { String(decoding: $0, as: UTF8.self) }
        }
        try output.write(to: DatasetLayout.description) { late in
            try late.write(Array("late ".utf8))
            try output.write(to: DatasetLayout.description) { try $0.write(Array("the newer one".utf8)) }
            try late.write(Array("and more".utf8))
            #expect(text() == "the newer one")
        }
        #expect(text() == "late and more")
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
    }

    @Test("has room for several commands that try at once")
    func room() async throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<8 { try output.requireSpace() } } }
            try await group.waitForAll()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
    }

    @Test("writes a dataset.json that reads back, the same bytes for the same content")
    func description() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        var totals = DatasetDescription.Totals()
        totals.statuses = ["success": 2, "timeout": 1, "http_error": 7]
        let description = DatasetDescription(
            name: "n", manifestDigest: "d", modelDigests: ["ranker": "r", "captioner": "c"], softwareVersion: "1",
            complete: true, totals: totals,
            shards: [
                .init(name: "s-000000", source: "s", samples: 2, bytes: 9, sha256: "e", tableBytes: 4, tableSHA256: "f")
            ])
        try output.write(description.json(), to: "dataset.json")
        let first = FileManager.default.contents(atPath: output.descriptionPath)
        #expect(try output.dataset.readDescription() == description)
        try output.write(description.json(), to: "dataset.json")
        #expect(FileManager.default.contents(atPath: output.descriptionPath) == first)
        #expect(
            description.shards.map(\.size) == ["\"s-000000.tar.zst\" : 2"])
        try output.write(to: "dataset.json") { file in
            var writer = ListText.Writer(description.aroundShards(), to: file)
            for shard in description.shards { try writer.add(shard.element()) }
            try writer.end()
        }
        #expect(FileManager.default.contents(atPath: output.descriptionPath) == first, "shard by shard")
        #expect(try FileManager.default.contentsOfDirectory(atPath: output.scratchFolder).isEmpty)
        // An older version said nothing of tables.
        let old = String(decoding: description.json(), as: UTF8.self)
            .replacing(/"table_sha256" : "f"/, with: "\"x\" : 1").replacing(/"table_bytes" : 4,/, with: "")
        try output.write(Array(old.utf8), to: "dataset.json")
        #expect(try output.dataset.readDescription().shards.map(\.tableSHA256) == [nil])
    }

    @Test("that has not begun refuses the names that it would write, and no others")
    func takenNames() throws {
        let root = try Project.temporaryFolder("taken")
        defer { try? FileManager.default.removeItem(atPath: root) }
        let output = OutputDirectory(root)
        try put("mine", at: root + "/photo.jpg")
        try output.requireFree()
        try output.create()
        try put("a build that was killed", at: output.stateFolder + "/fingerprints.json.partial")
        try output.requireFree()
        for name in [
            "README.md", "dataset.json", "croissant.json", "manifest.yaml", "shards/x.tar.zst", ".state/mine.partial",
        ] {
            try put("mine", at: root + "/" + name)
            let error = #expect(throws: StorageError.self) { try output.requireFree() }
            #expect(error?.code == .occupied && error?.reason.hasPrefix(name.split(separator: "/")[0]) == true)
            unlink(root + "/" + name)
        }
        try put("mine", at: output.tablePath("s-000000"))
        #expect(throws: StorageError.self) { try output.requireFree("s-000000") }
        try output.requireFree("s-000001")
    }

    @Test("overwrites the card that it wrote itself, and none that a person has edited")
    func card() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        let path = output.root + "/README.md"
        func text() -> String { String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self) }
        func write(_ content: String) throws {
            let isWritten = try output.writeCard(Array(content.utf8))
            #expect(isWritten == (content != "five"))
        }
        try output.beginWriting()
        for content in ["one", "two", "two", "three"] {
            try write(content)
            #expect(text() == content)
        }
        // Killed after the note and before the rename: the file is the one before.
        try put("two", at: path)
        try write("four")
        #expect(text() == "four")
        try put("my own words", at: path)
        try write("five")
        #expect(text() == "my own words")
        unlink(path)
        try write("six")
        #expect(text() == "six")
        // Without a record, as an older version left it, what is there is its own.
        unlink(output.stateFolder + "/written.json")
        try write("seven")
        #expect(text() == "seven")
    }

    @Test("sees that a shard or its table is gone, cut short, another's, or no file")
    func damage() throws {
        let output = try output()
        defer { try? FileManager.default.removeItem(atPath: output.root) }
        let (shard, table) = (output.shardPath("s"), output.tablePath("s"))
        func damage() -> String? { output.damage(of: "s", isDraft: false, byteCount: 6, tableByteCount: 5) }
        let bytes: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 1, 2]
        try Data(bytes).write(to: URL(fileURLWithPath: shard))
        #expect(damage() == "\(table) is missing")
        try put("PAR1x", at: table)
        #expect(damage() == nil)
        try put("PAR1", at: table)
        #expect(damage() == "\(table) has 4 bytes, not 5")
        try put("PAR2x", at: table)
        #expect(damage() == "\(table) does not begin as it was written")
        unlink(table)
        #expect(mkfifo(table, 0o600) == 0)
        #expect(damage() == "\(table): not a plain file")
        unlink(shard)
        #expect(damage() == "\(shard) is missing")
    }

    @Test("that is none says so")
    func missing() {
        let error = #expect(throws: StorageError.self) { try Dataset(at: "/nowhere").readDescription() }
        #expect(error?.description.contains("/nowhere/dataset.json: read: no such file") == true)
    }

    private func put(_ text: String, at path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func published(_ output: OutputDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: output.shardFolder).sorted()
    }
}
