import Foundation
import Manifests
import RandomNumbers
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("Duplicates") struct DuplicateTests {
    @Test("are all rows whose hash an earlier one has, and no others")
    func found() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var random = SplitMix64(seed: 5)
        let values = (0..<15_000).map { _ in UInt64.random(in: 0...UInt64.max, using: &random) }
        let hashes = (0..<20_000).map { _ in values[Int.random(in: 0..<15_000, using: &random)] }
        var seen: Set<UInt64> = []
        let expected = hashes.indices.filter { !seen.insert(hashes[$0]).inserted }
        let finder = try DuplicateFinder(folder: folder + "/scratch")
        for (row, hash) in hashes.enumerated() { try finder.add(hash, row: row) }
        var found: [Int] = []
        try finder.finish { found += $0.dropFirst().map(\.row) }
        #expect(found.sorted() == expected)
        #expect(!FileManager.default.fileExists(atPath: folder + "/scratch"))
    }

    @Test("come in groups that share the beginning of their hashes, ordered by row")
    func groups() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let finder = try DuplicateFinder(folder: folder + "/scratch")
        for (row, hash) in [0x00ff_0001, 0x1234_0000, 0x00ff_0000, 0x1235_0000, 0x1234_ffff].enumerated() {
            try finder.add(UInt64(hash) << 32, row: row)
        }
        var groups: [[Int]] = []
        try finder.finish(prefixBits: 16) { groups.append($0.map(\.row)) }
        #expect(groups == [[0, 2], [1, 4]])
    }

    @Test("are left out by the adapter, whatever the unit size")
    func rejected() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lines = (0..<50).map { "http://h/\($0).jpg\tc\n" }.joined()
        try lines.write(toFile: folder + "/l.tsv", atomically: false, encoding: .utf8)
        var set = RowSet(rowCount: 50)
        let duplicates = [0, 7, 8, 15, 16, 31, 49]
        for row in duplicates { set.insert(row) }
        try set.write(to: folder + "/bits")
        let adapter = RefinedSource(
            CC12MSource(name: "s", paths: [folder + "/l.tsv"]), rewrites: [], filter: .none, exclusions: Exclusions(),
            duplicates: folder + "/bits")
        for unitRows in [1, 7, 8, 9, 50] {
            let rejected = try readAll(adapter, unitRows: unitRows).filter { row in
                guard case .rejected(let rejection) = row.outcome else { return false }
                return rejection.reason == .duplicate
            }
            #expect(rejected.map(\.id.row) == duplicates, "\(unitRows)")
        }
    }
}
