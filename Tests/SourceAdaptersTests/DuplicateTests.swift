import Foundation
import Manifests
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("Duplicates") struct DuplicateTests {
    @Test("are all rows whose URL an earlier one has, and no others")
    func found() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var random = SeededGenerator(seed: 5)
        let urls = (0..<20_000).map { _ in "http://h/\(Int.random(in: 0..<15_000, using: &random)).jpg" }
        var seen: Set<String> = []
        let expected = urls.indices.filter { !seen.insert(urls[$0]).inserted }
        let finder = try DuplicateFinder(folder: folder + "/scratch")
        for (row, url) in urls.enumerated() { try finder.add(url, row: row) }
        var found: [Int] = []
        try finder.finish { found.append($0) }
        #expect(found.sorted() == expected)
        #expect(!FileManager.default.fileExists(atPath: folder + "/scratch"))
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
