import Foundation
import Loading
import TestSupport
import Testing

@testable import LanguageTraining

/// A folder with text files, taken away at the end.
final class TextSite {
    let folder: String

    init() throws { folder = try Project.temporaryFolder("texts") }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The path of a file that holds `text`.
    func file(_ text: String, name: String = "a.txt") throws -> String {
        try file(Array(text.utf8), name: name)
    }

    func file(_ bytes: [UInt8], name: String = "a.txt") throws -> String {
        let path = folder + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// A file of `count` lines of different lengths.
    func lines(_ count: Int) throws -> String {
        try file((0..<count).map { "line \($0) " + String(repeating: "x", count: $0 * 7 % 90) + "\n" }.joined())
    }
}

@Suite("Lines of text files in a random order")
struct TextLinesTests {
    private static let small = TextLines.Form(blockLength: 300, mostBlocks: 1000, groupWidth: 3)

    private func take(_ count: Int, from position: Int, _ lines: TextLines) throws -> [String] {
        let stream = lines.lines(from: position)
        return try (0..<count).map { _ in try stream.next() }
    }

    @Test("a pass gives every line once, each pass in another order")
    func passes() throws {
        let site = try TextSite()
        let lines = try TextLines([try site.lines(200), site.file("one\ntwo", name: "b.txt")], seed: 1, Self.small)
        #expect(lines.count == 202)
        let all = try take(606, from: 0, lines)
        let passes = [all[..<202], all[202..<404], all[404...]].map(Array.init)
        for pass in passes { #expect(Set(pass).count == 202 && pass.contains("one") && pass.contains("two")) }
        #expect(passes[0] != passes[1] && passes[1] != passes[2])
        #expect(passes[0] != passes[0].sorted())
        let other = try TextLines([site.folder + "/a.txt", site.folder + "/b.txt"], seed: 2, Self.small)
        #expect(try take(202, from: 0, other) != passes[0] && other.fingerprint != lines.fingerprint)
    }

    @Test("reading may begin at any position")
    func positions() throws {
        let site = try TextSite()
        let lines = try TextLines([try site.lines(150)], seed: 5, Self.small)
        let all = try take(400, from: 0, lines)
        for position in [0, 1, 17, 149, 150, 151, 299, 320] {
            #expect(try take(60, from: position, lines) == Array(all[position..<position + 60]), "\(position)")
        }
    }

    @Test("blank lines, carriage returns and a byte order mark are no part of a text")
    func forms() throws {
        let site = try TextSite()
        let path = try site.file([0xef, 0xbb, 0xbf] + Array("one\r\n\r\n  \ntwo  \n\nthree".utf8))
        #expect(try take(3, from: 0, TextLines([path], seed: 1)).sorted() == ["one", "three", "two  "])
    }

    @Test("a file of the same text has the same fingerprint wherever it lies; another text has another")
    func fingerprints() throws {
        let site = try TextSite()
        let first = try TextLines([site.file("a\nb\n")], seed: 1).fingerprint
        #expect(try TextLines([site.file("a\nb\n", name: "c.txt")], seed: 1).fingerprint == first)
        #expect(try TextLines([site.file("a\nc\n", name: "d.txt")], seed: 1).fingerprint != first)
    }

    @Test("what cannot be used is named with its line")
    func faults() throws {
        let site = try TextSite()
        func fault(_ path: String) -> TextError? {
            #expect(throws: TextError.self) { try TextLines([path], seed: 1, Self.small) }
        }
        let bad = fault(try site.file(Array("fine\n".utf8) + Array(repeating: 0x61, count: 700) + [10, 0xff, 10]))
        #expect(bad?.code == .malformed && bad?.message.contains("line 3") == true, "\(bad as Any)")
        #expect(fault(try site.file("\n  \n"))?.code == .empty)
        #expect(fault(site.folder + "/none.txt")?.code == .unreadable)
        let long = try site.file([UInt8](repeating: 0x61, count: TextFile.longestLine + 5000))
        #expect(fault(long)?.code == .malformed)
    }

    @Test("a file that changed while it was read is refused")
    func changed() throws {
        let site = try TextSite()
        let path = try site.lines(100)
        let lines = try TextLines([path], seed: 1, Self.small)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: 50)
        #expect(throws: TextError.self) { try take(100, from: 0, lines) }
    }

    @Test("processes have the parts of one batch")
    func processes() async throws {
        let site = try TextSite()
        let batches = try TextBatches(TextLines([site.lines(40)], seed: 3), batchSize: 6)
        func texts(_ process: ProcessRank) async throws -> [[String]] {
            let part = batches.part(of: process) { [$0.utf8.count] }
            return try await part.withBatches(after: 2, isolation: nil) { next in
                var texts: [[String]] = []
                for step in 3...5 {
                    let batch = try await next()
                    #expect(
                        batch.step == step && batch.tokens.map { $0[0][0] } == batch.captions.map { $0[0].utf8.count })
                    texts.append(batch.captions.map { $0[0] })
                }
                return texts
            }
        }
        let whole = try await texts(ProcessRank())
        let (first, second) = (try await texts(ProcessRank(0, of: 2)), try await texts(ProcessRank(1, of: 2)))
        #expect(zip(first, second).map { $0 + $1 } == whole)
    }
}
