import Builds
import Foundation
import Samples
import Storage
import TestSupport
import Testing

@Suite("The verification of an output") struct VerificationTests {
    @Test("finds nothing wrong with what was published, and counts it")
    func whole() throws {
        let output = try PublishedOutput(shards: 3)
        defer { output.remove() }
        let found = try Verification(of: output.directory.dataset) { Issue.record("\($0)") }
        #expect(found.shards == 3 && found.samples == 9 && found.rows == 12 && found.damaged.isEmpty)
        #expect(found.uncheckedTables == 0 && found.others.isEmpty)
    }

    @Test("finds every flipped bit, of shards and of tables, and names the file")
    func flipped() throws {
        let output = try PublishedOutput(shards: 2)
        defer { output.remove() }
        for path in [output.directory.tablePath(output.names[1]), output.directory.shardPath(output.names[1])] {
            let bytes = try #require(FileManager.default.contents(atPath: path))
            for place in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
                var flipped = bytes
                flipped[place] ^= 1 << UInt8(place % 8)
                try flipped.write(to: URL(fileURLWithPath: path))
                var told: [String] = []
                let found = try Verification(of: output.directory.dataset) { told.append($0) }
                #expect(found.damaged.count == 1 && told == found.damaged && told[0].contains(path), "byte \(place)")
                #expect(found.samples == 3, "the other one is whole")
            }
            try bytes.write(to: URL(fileURLWithPath: path))
        }
    }

    @Test("and the report need no path: a store that has none will do")
    func elsewhere() throws {
        let output = try PublishedOutput(shards: 3)
        let store = MemoryStore()
        try store.copy(output.directory.store)
        let here = try reportHTML(of: output.directory.dataset, galleryLimit: 2)
        output.remove()
        let dataset = Dataset(store)
        let found = try Verification(of: dataset) { Issue.record("\($0)") }
        #expect(found.shards == 3 && found.samples == 9 && found.rows == 12 && found.damaged.isEmpty)
        #expect(try reportHTML(of: dataset, galleryLimit: 2) == here)
        for key in [DatasetLayout.table(output.names[1]), DatasetLayout.shard(output.names[1])] {
            let bytes = try store.read(key, byteLimit: 1 << 20)
            try store.delete(key)
            let gone = try Verification(of: dataset) { _ in }
            #expect(gone.damaged.count == 1 && gone.damaged[0].hasPrefix(store.place(of: key)))
            try store.put(bytes.map { $0 ^ 1 }, to: key)
            let damaged = try Verification(of: dataset) { _ in }
            #expect(damaged.damaged.count == 1 && damaged.damaged[0].hasPrefix(store.place(of: key)))
            try store.put(bytes, to: key)
        }
    }

    @Test("takes no name of a shard that leads elsewhere", arguments: ["../../x", "a/b", "a\0b"])
    func strangeNames(_ name: String) throws {
        let store = MemoryStore()
        let description = DatasetDescription(
            name: "n", manifestDigest: "", modelDigests: [:], softwareVersion: "", complete: true, totals: .init(),
            shards: [
                .init(name: name, source: "s", samples: 1, bytes: 1, sha256: "", tableBytes: nil, tableSHA256: nil)
            ])
        try store.put(description.json(), to: DatasetLayout.description)
        let error = #expect(throws: StorageError.self) { try Dataset(store).readDescription() }
        #expect(error?.reason.contains("no name of a shard") == true)
    }

    @Test("says which tables have no digest, and names shards of others without calling them damaged")
    func others() throws {
        let output = try PublishedOutput(shards: 2, hasTableDigests: false)
        defer { output.remove() }
        try Data().write(to: URL(fileURLWithPath: output.directory.shardPath("other-000000")))
        let found = try Verification(of: output.directory.dataset) { Issue.record("\($0)") }
        #expect(found.uncheckedTables == 2 && found.damaged.isEmpty)
        #expect(found.others == [output.directory.shardPath("other-000000")])
    }

    @Test("has a report beside it, with as many pictures as were asked for")
    func report() throws {
        let output = try PublishedOutput(shards: 2)
        defer { output.remove() }
        func pictures(_ limit: Int) throws -> Int {
            let page = try reportHTML(of: output.directory.dataset, galleryLimit: limit)
            return page.components(separatedBy: "data:image/png").count - 1
        }
        #expect(try pictures(60) == 6)
        #expect(try pictures(2) == 2)
    }
}
