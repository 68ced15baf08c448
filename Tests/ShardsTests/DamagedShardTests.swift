import Digests
import Foundation
import RandomNumbers
import Shards
import TestSupport
import Testing

@Suite("A damaged shard") struct DamagedShardTests {
    private let samples = [sample(0, imageByteCount: 30), sample(1, imageByteCount: 100)]

    @Test("that is cut off anywhere is found out by the check; the reader gives no damaged sample")
    func truncation() throws {
        try inFolder { folder throws in
            let damaged = folder + "/damaged"
            try write(samples, to: folder + "/s")
            let whole = try bytes(of: folder + "/s")
            for length in whole.indices {
                try Data(whole[..<length]).write(to: URL(fileURLWithPath: damaged))
                let error = #expect(throws: ShardError.self, "\(length) of \(whole.count)") { try verifyShard(damaged) }
                #expect(error?.path == damaged)
                try expectNoDamagedSample(damaged, "\(length) of \(whole.count) bytes")
                guard length < whole.count - indexLength(whole) else { continue }
                #expect(throws: ShardError.self, "\(length): reading does not end well") { try readAll(damaged) }
            }
        }
    }

    @Test("with one bit flipped anywhere is an error or another digest; the reader gives no damaged sample")
    func flippedBit() throws {
        try inFolder { folder throws in
            let damaged = folder + "/damaged"
            let summary = try write(samples, to: folder + "/s")
            let index = try ShardIndex(path: folder + "/s")
            let whole = try bytes(of: folder + "/s")
            var random = SplitMix64(seed: 1)
            for place in whole.indices {
                var bytes = whole
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                try Data(bytes).write(to: URL(fileURLWithPath: damaged))
                do throws(ShardError) {
                    let found = try verifyShard(damaged)
                    #expect(found.sha256 != summary.sha256, "byte \(place)")
                } catch {
                    #expect(error.path == damaged)
                }
                try expectNoDamagedSample(damaged, "byte \(place)")
                do throws(ShardError) {
                    let read = try ShardIndex(path: damaged)
                    #expect(read == index || place < whole.count - indexLength(whole), "byte \(place)")
                } catch {
                    #expect(error.code == .index)
                }
            }
        }
    }

    @Test(
        "whose tar was damaged before it was compressed is an error that says where",
        arguments: [
            TarDamage("a size over the limit", field: 124, "77777777777\0"),
            TarDamage("a size that goes past the end", field: 124, "00000777777\0"),
            TarDamage("a size of another base", field: 124, "\u{1}2345678\0"),
            TarDamage("no size", field: 124, "\0\0\0\0\0\0\0\0\0\0\0\0"),
            TarDamage("a folder", field: 156, "5"), TarDamage("a link", field: 156, "2"),
            TarDamage("a long name", field: 156, "L"), TarDamage("another format", field: 257, "ustaR"),
            TarDamage("no name", field: 0, "\0"), TarDamage("another name", field: 0, "t"),
            TarDamage("a wrong checksum", field: 148, "7", fixesChecksum: false),
        ])
    func malformedTar(_ damage: TarDamage) throws {
        try inFolder { folder throws in
            try write(samples, to: folder + "/s")
            try #require(try Program.run("/bin/sh", ["-c", "zstd -dcq \(folder)/s > \(folder)/tar"]).status == 0)
            var tar = try bytes(of: folder + "/tar")
            damage.apply(to: &tar, header: try ShardIndex(path: folder + "/s").places[1].offset)
            try Data(tar).write(to: URL(fileURLWithPath: folder + "/tar"))
            let packed = try Program.run("/bin/sh", ["-c", "zstd --check -q \(folder)/tar -o \(folder)/damaged"])
            try #require(packed.status == 0, "\(packed.errors)")
            let reader = try ShardReader(path: folder + "/damaged")
            #expect(try reader.next() == samples[0])
            let error = #expect(throws: ShardError.self) { try reader.next() }
            #expect(error?.code == .tar || error?.code == .sample, "\(String(describing: error))")
        }
    }

    @Test("that is no shard at all is an error: other files, none, folders, plain tars, several frames")
    func notShards() throws {
        try inFolder { folder throws in
            try write(samples, to: folder + "/s")
            try Data("hello".utf8).write(to: URL(fileURLWithPath: folder + "/text"))
            try Data().write(to: URL(fileURLWithPath: folder + "/empty"))
            let made = try Program.run(
                "/bin/sh", ["-c", "cd \(folder); zstd -dcq s > tar; cat s s > twice; zstd -q tar; cp tar.zst framed"])
            try #require(made.status == 0, "\(made.errors)")
            for name in ["/text", "/empty", "", "/missing", "/tar", "/twice", "/framed"] {
                #expect(throws: ShardError.self, "\(name)") { try verifyShard(folder + name) }
            }
            #expect(try readAll(folder + "/framed") == samples, "one frame without an index can be read")
        }
    }

    @Test("with the index of another shard is found out by the check, and gives no sample of another key")
    func foreignIndex() throws {
        try inFolder { folder throws in
            try write(samples, to: folder + "/a")
            let others = [
                [sample(0, imageByteCount: 1000), sample(1, imageByteCount: 0)],
                [sample(5, imageByteCount: 30), sample(6, imageByteCount: 100)],
            ]
            for other in others {
                try write(other, to: folder + "/b")
                let (a, b) = (try bytes(of: folder + "/a"), try bytes(of: folder + "/b"))
                try Data(a[..<(a.count - indexLength(a))] + b[(b.count - indexLength(b))...])
                    .write(to: URL(fileURLWithPath: folder + "/mixed"))
                let checked = #expect(throws: ShardError.self) { try verifyShard(folder + "/mixed") }
                #expect(checked?.code == .index)
                #expect(throws: ShardError.self) { try ShardReader.sample(other[1].key, in: folder + "/mixed") }
            }
        }
    }

    /// The length of the skippable frame at the end of a shard.
    private func indexLength(_ shard: [UInt8]) -> Int {
        shard[(shard.count - 12)..<(shard.count - 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Reads `path` up to the first error: every sample before it is as it was written.
    private func expectNoDamagedSample(_ path: String, _ place: String) throws {
        var read: [ShardSample] = []
        do throws(ShardError) {
            let reader = try ShardReader(path: path)
            while let sample = try reader.next() { read.append(sample) }
            #expect(read == samples, "\(place): read to the end without an error")
        } catch {
            #expect(error.path == path)
        }
    }
}

/// A change of one field of a tar header.
struct TarDamage: CustomTestStringConvertible, Sendable {
    let testDescription: String
    private let field: Int
    private let text: String
    private let fixesChecksum: Bool

    init(_ name: String, field: Int, _ text: String, fixesChecksum: Bool = true) {
        testDescription = name
        self.field = field
        self.text = text
        self.fixesChecksum = fixesChecksum
    }

    func apply(to tar: inout [UInt8], header: Int) {
        tar.replaceSubrange((header + field)..<(header + field + text.utf8.count), with: text.utf8)
        guard fixesChecksum else { return }
        tar.replaceSubrange((header + 148)..<(header + 156), with: repeatElement(UInt8(ascii: " "), count: 8))
        let sum = tar[header..<(header + 512)].reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        let checksum = String(repeating: "0", count: 6 - digits.count) + digits + "\0 "
        tar.replaceSubrange((header + 148)..<(header + 156), with: checksum.utf8)
    }
}
