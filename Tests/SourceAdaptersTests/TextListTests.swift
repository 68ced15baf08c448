import Foundation
import Manifests
import Samples
import SourceAdapters
import TestSupport
import Testing

/// The rows of a list with this text.
private func rows(_ bytes: [UInt8], _ adapter: (String) -> any SourceAdapter) throws -> [ListedRow] {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/list.txt"))
    let adapter = adapter(folder + "/list.txt")
    var rows: [ListedRow] = []
    try adapter.plan(unitRows: 2, limit: nil) { range in
        let unit = WorkUnit(
            source: "s", index: 0, firstRow: range.firstRow, rowCount: range.rowCount, start: range.start)
        var reader = try adapter.reader(of: unit)
        while let row = try reader.next() { rows.append(row) }
    }
    return rows
}

private func csv(
    _ text: String, _ table: TextTable = .standard, _ columns: Columns = .standard, imageRoots: [String] = []
) throws -> [ListedRow] {
    try rows(Array(text.utf8)) {
        CSVSource(name: "s", paths: [$0], table: table, columns: columns, imageRoots: imageRoots)
    }
}

extension ListedRow {
    fileprivate var row: SourceRow? { if case .kept(let row) = outcome { row } else { nil } }
    fileprivate var caption: String? { row?.captions.first?.text }
    fileprivate var message: String? { if case .rejected(let rejection) = outcome { rejection.message } else { nil } }
}

@Suite("Lists in text files") struct TextListTests {
    @Test("take the quotes of raw TSV as data")
    func rawQuotes() throws {
        let lines = ["\"starts with a quote\thttp://h/1", "a \"pair\"\thttp://h/2", "tab\tinside\thttp://h/3\r"]
        let rows = try rows(Array(lines.joined(separator: "\n").utf8)) { CC3MSource(name: "s", paths: [$0]) }
        #expect(rows.map(\.url) == ["http://h/1", "http://h/2", "http://h/3"])
        #expect(rows.map(\.caption) == ["\"starts with a quote", "a \"pair\"", "tab inside"])
    }

    @Test("of CC12M have the URL first and may have tabs in the caption")
    func cc12m() throws {
        let rows = try rows(Array("http://h/1\t<PERSON> and\ta dog\nhttp://h/2\t\n".utf8)) {
            CC12MSource(name: "s", paths: [$0])
        }
        #expect(rows.map(\.url) == ["http://h/1", "http://h/2"])
        #expect(rows.map(\.caption) == ["<PERSON> and a dog", nil])
        #expect(rows[1].row?.captions == [])
    }

    @Test("in CSV open a quote only where a field starts")
    func quotes() throws {
        let rows = try csv(
            """
            url,caption
            http://h/1,5" disk
            http://h/2,"a ""quoted"", word
            in two lines"
            "http://h/3","a"b"c
            http://h/4,\"\"
            http://h/5,3.5" and 8" disks
            """)
        #expect(rows.map(\.url) == (1...5).map { "http://h/\($0)" })
        #expect(
            rows.map(\.caption) == ["5\" disk", "a \"quoted\", word in two lines", "ab\"c", nil, "3.5\" and 8\" disks"])
    }

    @Test("lose no more than a line to a quote that is never closed")
    func openQuote() throws {
        let filler = (0..<30_000).map { "http://h/\($0),\(String(repeating: "x", count: 40))\n" }
        let rows = try csv("url,caption\nhttp://h/a,\"open\n" + filler.joined())
        #expect(rows.count == 30_001 && rows.allSatisfy { $0.row != nil })
        #expect(rows[0].caption == "\"open" && rows.last?.url == "http://h/29999")
        let short = try csv("url,caption\nhttp://h/a,\"open\nhttp://h/b,c\n")
        #expect(short.map(\.caption) == ["\"open", "c"])
        // Where the quote hides a delimiter, the line is a bad row, and no other.
        let hiding = try csv(
            "url,caption\nhttp://h/a,\"open, wide\nhttp://h/b,c\n\"http://h/c\",\"d, \"\"e\"\"\n f\"\n")
        #expect(hiding.map(\.message) == ["list.txt, byte 12: 3 fields, not 2", nil, nil])
        #expect(hiding.map(\.caption) == [nil, "c", "d, \"e\"  f"])
    }

    @Test("say where a bad row stands and what is wrong with it")
    func badRows() throws {
        let rows = try csv("url,caption\na,b\nc\nd,e,f\n,g\n")
        #expect(
            rows.map(\.message) == [
                nil, "list.txt, byte 16: 1 fields, not 2", "list.txt, byte 18: 3 fields, not 2",
                "list.txt, byte 24: no URL",
            ])
        #expect(rows.map(\.url) == ["a", "c", "d", ""])
    }

    @Test("may have any delimiter, columns by name or number, ids, and paths of files")
    func columns() throws {
        let semicolons = TextTable(header: true, delimiter: ";", quoting: .none)
        let named = Columns(url: "file", caption: "text", id: "id", facts: FactColumns(width: "w", nsfw: "tag"))
        let text = "id;text;w;tag;file\n7;a, \"b\";640.0;NSFW;x.jpg\n"
        let row = try csv(text, semicolons, named, imageRoots: ["/images"])[0].row
        #expect(row?.sourceID == "7" && row?.location == .stored("x.jpg", in: ["/images"]))
        #expect(row?.facts.width == 640 && row?.facts.nsfw == "NSFW" && row?.facts.height == nil)
        #expect(row?.captions == [Caption(text: "a, \"b\"", origin: .web)])
        let numbered = TextTable(header: false, delimiter: "|", quoting: .none)
        #expect(try csv("c|x|u\n", numbered, Columns(url: "2", caption: "0"))[0].row?.location == .url("u"))
    }

    @Test("keep URLs as they are but for their ends: what is in them is for the reader of URLs")
    func urls() throws {
        let url = "http://h/a\tb"
        #expect(try csv("url,caption\n \(url) \u{a0},c\n")[0].url == url)
        #expect(try csv("url,caption\n\"http://h/a\nb\",c\n")[0].url == "http://h/a\nb")
        let trimmed = try rows(Array("c\t\u{feff} http://h/1 \n".utf8)) { CC3MSource(name: "s", paths: [$0]) }[0]
        #expect(trimmed.url == "http://h/1")
        let json = #"{"url": " http://h/a\tb\n", "caption": "a\tb"}"#
        let row = try rows(Array(json.utf8)) { JSONLSource(name: "s", paths: [$0]) }[0]
        #expect(row.url == url && row.caption == "a b")
    }

    @Test("have damaged UTF-8 replaced, control characters made spaces, and ends trimmed")
    func repairs() throws {
        let line = Array("u\t\u{a0} a".utf8) + [0xff, 0x00, 0x07] + Array("b \u{85}c \u{3000}\n".utf8)
        let rows = try rows(line) { CC12MSource(name: "s", paths: [$0]) }
        #expect(rows[0].caption == "a\u{fffd}  b  c")
    }
}
