import Foundation
import Samples
import Testing

@testable import Demonstrations

/// A format without a codec: enough to see which bytes go where.
let plainEncoders = DemoEncoders(
    jpeg: { pixels, quality in [0xFF, 0xD8] + Array("jpeg \(pixels.width) \(pixels.height) \(quality)".utf8) },
    png: { pixels, _ in Array("png \(pixels.width) \(pixels.height)".utf8) },
    webp: { pixels, quality in Array("webp \(pixels.width) \(pixels.height) \(quality)".utf8) })

/// A folder of its own, taken away at the end.
func withFolder<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appending(path: "demo-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}

@Suite("The demonstration data set")
struct DemoDatasetTests {
    let dataset = DemoDataset(seed: 42, count: 300)

    @Test("has a third of its captions wrong or junk, and knows which")
    func captions() {
        let rows = Array(dataset.rows)
        #expect(rows.count { !$0.webCaptionIsTrue } == 100)
        for row in rows {
            #expect(row.webCaptionIsTrue == Grammar.isTrue(row.webCaption, of: row.scene))
            #expect(Grammar.isTrue(row.caption, of: row.scene))
        }
        let junk = rows.count { !Grammar.isSentence($0.webCaption) }
        #expect(15...60 ~= junk)
    }

    @Test("has every oddity once in sixty rows, with the status it leads to")
    func oddities() {
        for block in 0..<5 {
            let oddities = dataset.rows.dropFirst(60 * block).prefix(60).compactMap(\.oddity)
            #expect(Set(oddities) == Set(DemoRow.Oddity.allCases) && oddities.count == Set(oddities).count)
        }
        let statuses = Dictionary(grouping: dataset.rows, by: \.expectedStatus).mapValues(\.count)
        #expect(
            statuses == [
                "success": 270, "http_error": 5, "decode_error": 5, "not_an_image": 10, "opted_out": 5, "bad_row": 5,
            ])
    }

    @Test("begins like a shorter one, and depends on its seed")
    func prefix() {
        #expect(Array(DemoDataset(seed: 42, count: 40).rows) == Array(dataset.rows.prefix(40)))
        #expect(DemoDataset(seed: 43, count: 1).row(0) != dataset.row(0))
    }

    @Test("turns the pixels of a turned image and tags it")
    func turned() throws {
        let row = try #require(dataset.rows.first { $0.oddity == .turned })
        let bytes = try #require(try row.bytes(plainEncoders))
        #expect(Array(bytes.prefix(12)) == [0xFF, 0xD8, 0xFF, 0xE1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0])
        #expect(String(decoding: bytes.suffix(14), as: UTF8.self).contains("\(row.scene.height) \(row.scene.width)"))
        let pixels = ScenePixels(width: 2, height: 1, rgb: [1, 1, 1, 2, 2, 2])
        #expect(pixels.turnedLeft() == ScenePixels(width: 1, height: 2, rgb: [2, 2, 2, 1, 1, 1]))
    }

    @Test("writes images, both lists and the truth, the same twice")
    func files() async throws {
        let small = DemoDataset(seed: 9, count: 60)
        try await withFolder { folder in
            let demo = DemoFolder(folder)
            try await demo.write(small, encoders: plainEncoders)
            try demo.writeLists(small, baseURL: "http://127.0.0.1:1")
            #expect(try demo.truth() == Array(small.rows))

            let csv = try String(contentsOf: folder.appending(path: "list.csv"), encoding: .utf8)
            let lines = csv.split(separator: "\n")
            #expect(lines.count == 61 && lines[0] == "url,caption,id")
            #expect(csv.contains("\"") && csv.contains("http://127.0.0.1:1/images/000000."))
            let tsv = try String(contentsOf: folder.appending(path: "list.tsv"), encoding: .utf8)
            #expect(tsv.split(separator: "\n").count { $0.contains("\t") } == 59)

            for row in small.rows {
                let there =
                    row.file.map { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) } ?? false
                #expect(there == (row.oddity != .missing && row.oddity != .noURL))
            }
            let truth = try Data(contentsOf: folder.appending(path: "truth.jsonl"))
            try await demo.write(small, encoders: plainEncoders)
            #expect(try Data(contentsOf: folder.appending(path: "truth.jsonl")) == truth)
        }
    }

    @Test("names the file that could not be encoded")
    func encoderFault() async throws {
        struct Fault: Error {}
        let broken = DemoEncoders(
            jpeg: { _, _ in throw Fault() }, png: { _, _ in throw Fault() }, webp: { _, _ in throw Fault() })
        try await withFolder { folder in
            let error = await #expect(throws: DemoError.self) {
                try await DemoFolder(folder).write(DemoDataset(seed: 1, count: 3), encoders: broken)
            }
            #expect(error?.code == .encode && error?.subject.hasPrefix("images/") == true)
        }
    }
}
