import Foundation
import Manifests
import RandomNumbers
import Samples
import SourceAdapters
import TestSupport
import Testing

/// A list in the shape of one format, written from rows whose fields are known.
private struct Shape: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let header: String
    let line: @Sendable (_ url: String, _ caption: String) -> String
    let adapter: @Sendable (_ paths: [String]) -> any SourceAdapter
}

private func table(quoting: Source.Quoting, header: Bool = true) -> TextTable {
    TextTable(header: header, delimiter: quoting == .none ? "\t" : ",", quoting: quoting)
}

private let numbers = Columns(url: "0", caption: "1")

private let shapes = [
    Shape(
        testDescription: "cc3m", header: "", line: { "\($1)\t\($0)\n" },
        adapter: { CC3MSource(name: "s", paths: $0) }),
    Shape(
        testDescription: "cc12m", header: "", line: { "\($0)\t\($1)\n" },
        adapter: { CC12MSource(name: "s", paths: $0) }),
    Shape(
        testDescription: "tsv without quoting", header: "url\tcaption\n", line: { "\($0)\t\($1)\n" },
        adapter: { CSVSource(name: "s", paths: $0, table: table(quoting: .none)) }),
    Shape(
        testDescription: "csv after RFC 4180", header: "url,caption\r\n",
        line: { "\($0),\"\($1.replacing("\"", with: "\"\""))\nsecond line\"\r\n" },
        adapter: { CSVSource(name: "s", paths: $0, table: table(quoting: .rfc4180)) }),
    Shape(
        testDescription: "jsonl", header: "",
        line: { url, caption in
            let fields = try? JSONSerialization.data(withJSONObject: ["url": url, "caption": caption])  // always can be
            return String(decoding: fields ?? Data(), as: UTF8.self) + "\n"
        }, adapter: { JSONLSource(name: "s", paths: $0) }),
    Shape(
        testDescription: "csv without header", header: "", line: { "\($0),\"\($1.replacing("\"", with: "\"\""))\"\n" },
        adapter: { CSVSource(name: "s", paths: $0, table: table(quoting: .rfc4180, header: false), columns: numbers) }),
]

func readAll(_ adapter: any SourceAdapter, unitRows: Int, limit: Int? = nil) throws -> [ListedRow] {
    var units: [WorkUnit] = []
    try adapter.plan(unitRows: unitRows, limit: limit) { range in
        units.append(
            WorkUnit(
                source: "s", index: units.count, firstRow: range.firstRow, rowCount: range.rowCount,
                start: range.start))
    }
    return try units.shuffled().sorted { $0.index < $1.index }.flatMap { unit in
        var reader = try adapter.reader(of: unit)
        var rows: [ListedRow] = []
        while let row = try reader.next() { rows.append(row) }
        #expect(rows.count == unit.rowCount)
        return rows
    }
}

extension ListedRow {
    fileprivate var caption: String? {
        guard case .kept(let row) = outcome else { return nil }
        return row.captions.first?.text
    }
    fileprivate var isRejected: Bool { caption == nil }
}

@Suite("Every source adapter") struct ConformanceTests {
    @Test("gives every row exactly once, the same whatever the unit size", arguments: shapes)
    fileprivate func everyRowOnce(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let captions = (0..<97).map { "caption \($0) \"quoted\" ünï 猫" + String(repeating: "x", count: $0 * 37 % 200) }
        let paths = ["a", "b", "c"].map { "\(folder)/\($0).txt" }
        for (index, path) in paths.enumerated() {
            let lines = captions.indices.filter { $0 % 3 == index }.sorted()
                .map { shape.line("http://h/\($0).jpg", captions[$0]) }
            var text = shape.header + lines.joined()
            if index == 2 { text.removeLast(text.hasSuffix("\r\n") ? 1 : 1) }  // the last line end is missing
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        let adapter = shape.adapter(paths)
        let whole = try readAll(adapter, unitRows: 1000)
        #expect(whole.map(\.id.row) == Array(0..<97))
        #expect(Set(whole.map(\.url)) == Set((0..<97).map { "http://h/\($0).jpg" }))
        #expect(whole.allSatisfy { $0.caption?.hasPrefix("caption ") == true })
        for unitRows in [1, 2, 7, 32, 33, 96, 97] {
            let rows = try readAll(adapter, unitRows: unitRows)
            #expect(rows.map(\.url) == whole.map(\.url) && rows.map(\.caption) == whole.map(\.caption), "\(unitRows)")
        }
        #expect(try readAll(adapter, unitRows: 10, limit: 25).map(\.url) == whole.prefix(25).map(\.url))
    }

    @Test("makes a bad row a rejection that keeps its number", arguments: shapes)
    fileprivate func badRows(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/list.txt"
        let good = shape.line("http://h/1.jpg", "good")
        let bad = ["nonsense\n", String(repeating: "y", count: 3 << 20) + "\n"]
        try (shape.header + good + bad.joined() + good).write(toFile: path, atomically: false, encoding: .utf8)
        let rows = try readAll(shape.adapter([path]), unitRows: 2)
        #expect(rows.map(\.isRejected) == [false, true, true, false])
        #expect(rows.map(\.id.row) == [0, 1, 2, 3])
    }

    @Test("passes over blank lines, wherever they are", arguments: shapes)
    fileprivate func blankLines(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lines = (0..<9).map { shape.line("http://h/\($0)", "good") }
        let blank = ["\n", "\r\n", "  \n", "\n\n"]
        let text = shape.header + lines.enumerated().map { $1 + blank[$0 % 4] }.joined()
        for path in ["a", "b"] { try text.write(toFile: "\(folder)/\(path)", atomically: false, encoding: .utf8) }
        for unitRows in [1, 2, 7, 9, 18] {
            let rows = try readAll(shape.adapter([folder + "/a", folder + "/b"]), unitRows: unitRows)
            #expect(rows.map(\.url) == (0..<18).map { "http://h/\($0 % 9)" }, "\(unitRows)")
        }
    }

    @Test("refuses a list without a row", arguments: shapes)
    fileprivate func noRow(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try (shape.header + "\n").write(toFile: folder + "/l", atomically: false, encoding: .utf8)
        let error = #expect(throws: SourceError.self) { try readAll(shape.adapter([folder + "/l"]), unitRows: 1) }
        #expect(error?.hint == "the list has no rows")
    }

    @Test("takes images from the folder that the manifest names, and from no other")
    func imageRoot() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/list.tsv"
        let urls = ["a/b.jpg", "../secret.jpg", "/etc/secret.jpg", "a/../../secret.jpg", "a..b.jpg"]
        try urls.map { "\($0)\tcaption\n" }.joined().write(toFile: path, atomically: false, encoding: .utf8)
        let rows = try readAll(CC12MSource(name: "s", paths: [path], imageRoots: ["/images"]), unitRows: 9)
        #expect(rows.map(\.isRejected) == [false, true, true, true, false])
        guard case .kept(let row) = rows[0].outcome else { return }
        #expect(row.location == .stored("a/b.jpg", in: ["/images"]))
    }

    @Test("names a file that is not there")
    func missing() {
        let error = #expect(throws: SourceError.self) {
            try readAll(CC3MSource(name: "s", paths: ["/nowhere/list.tsv"]), unitRows: 1)
        }
        #expect(error?.code == .unreadable && error?.file == "/nowhere/list.tsv")
    }

    @Test("names a column that the header lacks")
    func missingColumn() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "link,text\na,b\n".write(toFile: folder + "/l.csv", atomically: false, encoding: .utf8)
        let error = #expect(throws: SourceError.self) {
            try readAll(CSVSource(name: "s", paths: [folder + "/l.csv"], table: .standard), unitRows: 1)
        }
        #expect(error?.description.contains("line 1: no column url; the header has link, text") == true)
    }

    @Test("gives the same rows from any split of any bytes", arguments: shapes)
    fileprivate func anyBytes(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pieces =
            ["\"", "\"\"", ",", "\t", "\n", "\r\n", "\n\n", "a", "5\" disk", ",\"", "\",", "\u{feff}", "\0", "é"]
            .map { Array($0.utf8) } + [[0xff], [0xc3], [0xe7, 0x8c]]
        for seed in UInt64(0)..<12 {
            var random = SplitMix64(seed: seed)
            let paths = try (0..<2).map { file in
                let bytes = (0..<200).flatMap { _ in pieces[Int.random(in: pieces.indices, using: &random)] }
                // Lists of which hardly a row can be read are refused as a whole.
                let good = (0..<30).map { shape.line("http://h/\($0)", String(repeating: "é", count: 10)) }.joined()
                try Data((shape.header + good).utf8 + bytes).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
                return "\(folder)/\(file)"
            }
            let whole = try readAll(shape.adapter(paths), unitRows: 1 << 20)
            #expect(whole.map(\.id.row) == Array(whole.indices), "seed \(seed)")
            for unitRows in [1, 7] {
                let rows = try readAll(shape.adapter(paths), unitRows: unitRows)
                #expect(
                    rows.map(\.url) == whole.map(\.url) && rows.map(\.caption) == whole.map(\.caption), "seed \(seed)")
            }
        }
    }

    @Test("leaves out a byte order mark", arguments: shapes)
    fileprivate func byteOrderMark(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let text = "\u{feff}" + shape.header + shape.line("http://h/1", "one") + shape.line("http://h/2", "two")
        try text.write(toFile: folder + "/l", atomically: false, encoding: .utf8)
        let rows = try readAll(shape.adapter([folder + "/l"]), unitRows: 1)
        #expect(rows.map(\.url) == ["http://h/1", "http://h/2"])
        #expect(rows.allSatisfy { $0.caption?.hasPrefix("one") == true || $0.caption?.hasPrefix("two") == true })
    }

    @Test("says that a file was cut since it was planned, whatever file follows it", arguments: shapes)
    fileprivate func cutFile(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let paths = [folder + "/a", folder + "/b"]
        for path in paths {
            let text = shape.header + (0..<4).map { shape.line("http://h/\($0)", "c") }.joined()
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        let adapter = shape.adapter(paths)
        var ranges: [PlannedRange] = []
        try adapter.plan(unitRows: 2, limit: nil) { ranges.append($0) }
        let unit = WorkUnit(source: "s", index: 1, firstRow: 2, rowCount: 2, start: ranges[1].start)
        try (shape.header + shape.line("http://h/0", "c")).write(toFile: paths[0], atomically: false, encoding: .utf8)
        let error = #expect(throws: SourceError.self) {
            var reader = try adapter.reader(of: unit)
            while try reader.next() != nil {}
        }
        #expect(error?.code == .changed && error?.file == paths[0])
    }

    @Test("holds a block of a list, not the list", arguments: shapes)
    fileprivate func boundedMemory(_ shape: Shape) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let start = shape.header + shape.line("http://h/1", "good")
        try start.write(toFile: folder + "/l", atomically: false, encoding: .utf8)
        let handle = try #require(FileHandle(forWritingAtPath: folder + "/l"))
        try handle.truncate(atOffset: 1 << 29)  // one more row: a hole of half a gibibyte
        try handle.close()
        let before = try residentBytes()
        let rows = try readAll(shape.adapter([folder + "/l"]), unitRows: 10)
        #expect(rows.map(\.isRejected) == [false, true])
        #expect(try residentBytes() - before < 200 << 20)
    }
}

/// How much memory this process holds now.
private func residentBytes() throws -> Int {
    let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
    return try #require(Int(pages)) * 4096
}
