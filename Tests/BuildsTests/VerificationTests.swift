import Builds
import Foundation
import Storage
import Testing

@Suite("The verification of an output") struct VerificationTests {
    @Test("finds nothing wrong with what was published, and counts it")
    func whole() throws {
        let output = try PublishedOutput(shards: 3)
        defer { output.remove() }
        let found = try Verification(of: output.directory) { Issue.record("\($0)") }
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
                let found = try Verification(of: output.directory) { told.append($0) }
                #expect(found.damaged.count == 1 && told == found.damaged && told[0].contains(path), "byte \(place)")
                #expect(found.samples == 3, "the other one is whole")
            }
            try bytes.write(to: URL(fileURLWithPath: path))
        }
    }

    @Test("says which tables have no digest, and names shards of others without calling them damaged")
    func others() throws {
        let output = try PublishedOutput(shards: 2, hasTableDigests: false)
        defer { output.remove() }
        try Data().write(to: URL(fileURLWithPath: output.directory.shardPath("other-000000")))
        let found = try Verification(of: output.directory) { Issue.record("\($0)") }
        #expect(found.uncheckedTables == 2 && found.damaged.isEmpty)
        #expect(found.others == [output.directory.shardPath("other-000000")])
    }

    @Test("has a report beside it, with as many pictures as were asked for")
    func report() throws {
        let output = try PublishedOutput(shards: 2)
        defer { output.remove() }
        func pictures(_ limit: Int) throws -> Int {
            try reportHTML(of: output.directory, galleryLimit: limit).components(separatedBy: "data:image/png").count
                - 1
        }
        #expect(try pictures(60) == 6)
        #expect(try pictures(2) == 2)
    }
}
