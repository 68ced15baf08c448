import Foundation
import Manifests
import RandomNumbers
import Samples
import SourceAdapters
import TestSupport
import Testing

/// The rows of a source of one file with these bytes, as a manifest names it; `options` are more of its keys.
func rows(
    _ bytes: [UInt8], format: String, name: String = "list", options: String = "", unitRows: Int = 3
) throws -> [ListedRow] {
    let folder = try Project.temporaryFolder("list")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    return try rows(of: "\(folder)/\(name)", format: format, options: options, unitRows: unitRows)
}

func rows(of path: String, format: String, options: String = "", unitRows: Int = 3) throws -> [ListedRow] {
    let more = options.isEmpty ? "" : ", " + options
    let manifest = try Manifest(
        yaml: """
            version: 1
            name: n
            sources:
              - {name: s, format: \(format), path: "\(path)"\(more)}
            """)
    return try readAll(makeAdapter(for: manifest.sources[0]), unitRows: unitRows)
}

extension ListedRow {
    var texts: [String]? { if case .kept(let row) = outcome { row.captions.map(\.text) } else { nil } }
    var sourceID: String? { if case .kept(let row) = outcome { row.sourceID } else { nil } }
}

@Suite("A list that is wrong as a whole") struct ForeignListTests {
    /// A list, the format that the manifest says, and what the error says of it.
    private static let cases: [(list: [UInt8], format: String, message: String)] = {
        let page = Array("\n<!DOCTYPE html><html><body>403 Forbidden</body></html>".utf8)
        let object = #"{"url": "http://h/1", "caption": "c"}"#
        let csv = "url,caption\nhttp://h/1,one\nhttp://h/2,two\n"
        func utf16(_ text: String, mark: Bool) -> [UInt8] {
            (mark ? [0xff, 0xfe] : []) + text.utf16.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        }
        var cases: [([UInt8], String, String)] = [
            (Array("PAR1....".utf8), "csv", "a Parquet file, not delimited text; read it with format: parquet"),
            (Array("PAR1....".utf8), "jsonl", "read it with format: parquet"),
            (Array(csv.utf8), "parquet", "text, not a Parquet file; read it with format: csv"),
            (Array(object.utf8), "parquet", "JSON, not a Parquet file; read it with format: jsonl"),
            (Array("PAR1....".utf8), "parquet", "Parquet"), ([], "csv", "want a header"), ([], "jsonl", "no rows"),
            (Array("[]".utf8), "jsonl", "no rows"), (Array("[]".utf8), "coco", "no rows"),
            (utf16(csv, mark: true), "csv", "encoding: utf-16"), (utf16(csv, mark: false), "csv", "encoding: utf-16le"),
            (Array("url,caption\nhttp://h/1,caf".utf8) + [0xe9, 10], "csv", "encoding: latin-1"),
            (
                Array("{\"url\":\"http://h/1\",\"caption\":\"caf".utf8) + [0xe9] + Array("\"}\n".utf8), "jsonl",
                "encoding"
            ),
            (Array("http://h/1\tcaf".utf8) + [0xe9, 10], "cc12m", "encoding: latin-1"),
            (Array("url\tcaption\nhttp://h/1\tone\n".utf8), "csv", #"the delimiter is perhaps "\t""#),
            (Array("url;caption\nhttp://h/1;one\n".utf8), "csv", #"the delimiter is perhaps ";""#),
            (
                Array("url,caption\nu,a,b\nu,c,d\n".utf8), "csv",
                "all of the first 2 rows cannot be read: 3 fields, not 2"
            ),
            (Array(object.utf8), "csv", "this looks like JSON: read it with format: jsonl"),
            (Array("{\n  \"url\": \"u\",\n  \"caption\": \"c\"\n}\n".utf8), "jsonl", "go over several lines"),
            (Array(csv.utf8), "jsonl", "want a JSON object on each line"),
            (Array(#"{"image": "u", "text": "c"}"#.utf8), "jsonl", "no key url; there are image, text"),
            (Array(#"{"url": "u", "text": "c"}"#.utf8), "jsonl", "none of the first 1 rows has the key caption"),
            (
                Array(#"{"url": {"bytes": null, "path": "a.jpg"}, "caption": "c"}"#.utf8), "jsonl",
                "url: an object, not text"
            ),
            (Array(#"{"url": "u", "caption": [{"raw": "c"}]}"#.utf8), "jsonl", "caption: an object, not text"),
            (Array("one line\nno tab\n".utf8), "cc3m", "no tab"), (Array("\u{1f}\u{8b}..".utf8), "csv", "header"),
            ([0x1f, 0x8b, 8, 0], "csv", "compressed by gzip"), (Array("PK\u{3}\u{4}".utf8), "coco", "a zip archive"),
            (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "jsonl", "git lfs pull"),
            (Array("PK\u{3}\u{4}".utf8), "webdataset", "a zip archive, not a tar archive"),
            (Array("PAR1....".utf8), "webdataset", "a Parquet file, not a tar archive"),
        ]
        for format in ["csv", "jsonl", "cc3m", "cc12m", "coco", "vg", "sbu", "parquet", "webdataset"] {
            cases.append((page, format, "an HTML page"))
        }
        return cases
    }()

    @Test("is recognized when planning, with what to do", arguments: cases.indices)
    func recognized(_ index: Int) throws {
        let (list, format, message) = Self.cases[index]
        let error = #expect(throws: SourceError.self, "\(format)") { try rows(list, format: format) }
        #expect(error?.code == .malformed && error?.hint.contains(message) == true, "\(error?.hint ?? "") [\(message)]")
    }

    @Test("is none when a few of its rows are bad, wherever they are")
    func badRows() throws {
        let good = (0..<30).map { "http://h/\($0),caption\n" }
        let list = "url,caption\n" + "a,b,c\n" + good.joined() + String(repeating: "no\n", count: 50)
        let found = try rows(Array(list.utf8), format: "csv")
        #expect(found.count == 81 && found.filter { $0.texts != nil }.count == 30)
        let truncated =
            (0..<40).flatMap { Array("http://h/\($0)\tcafé 猫\n".utf8) } + Array("http://h/x\tcaf".utf8) + [0xc3, 10]
        #expect(try rows(truncated, format: "cc12m").last?.texts == ["caf\u{fffd}"])
    }

    @Test("is none when it is a JSON array where lines are usual, in units of any size")
    func array() throws {
        let objects = (0..<97).map { #"{"url": "http://h/\#($0)", "caption": ["a, \#($0)", NaN, 5]}"# }
        for text in [
            "[" + objects.joined(separator: ",\n") + "]", " \u{feff}[\n" + objects.joined(separator: " , ") + "\n]\n",
        ] {
            let text = text.replacing(" \u{feff}", with: "\u{feff}")
            for unitRows in [1, 2, 7, 96, 97, 200] {
                let found = try rows(Array(text.utf8), format: "jsonl", unitRows: unitRows)
                #expect(
                    found.map(\.url) == (0..<97).map { "http://h/\($0)" } && found[3].texts == ["a, 3", "5"],
                    "\(unitRows)")
            }
        }
    }

    @Test("is none because of one stray quote, wherever it is: it costs no line but its own, in units of any size")
    func strayQuotes() throws {
        for seed in UInt64(0)..<40 {
            var random = SplitMix64(seed: seed)
            let escape = seed % 2 == 1
            func quoted(_ text: String) -> String {
                "\"" + text.replacing("\"", with: escape ? "\\\"" : "\"\"") + "\""
            }
            let captions = (0..<97).map { row in
                ["plain \(row)", "with, comma \(row)", "two\nlines \(row)", "a \"word\" \(row)", "", "5 disks \(row)"]
                    .randomElement(using: &random) ?? ""
            }
            var lines = captions.enumerated().map { row, caption in
                let isQuoted = caption.contains { ",\n\"".contains($0) } || Bool.random(using: &random)
                return "http://h/\(row)," + (isQuoted ? quoted(caption) : caption)
            }
            let stray = Int.random(in: 0..<97, using: &random)
            lines[stray] = "http://h/\(stray),\"stray \(stray)"
            let text = "url,caption\n" + lines.joined(separator: "\n") + "\n"
            let options = escape ? #"escape: "\\""# : ""
            for unitRows in [1, 7, 96, 97] {
                let found = try rows(Array(text.utf8), format: "csv", options: options, unitRows: unitRows)
                try #require(found.count == 97, "seed \(seed)")
                for (row, listed) in found.enumerated() where row != stray {
                    let wanted = captions[row].replacing("\n", with: " ")
                    try #require(
                        listed.texts == (wanted.isEmpty ? [] : [wanted]), "seed \(seed), row \(row), units \(unitRows)")
                }
                #expect(found[stray].texts == ["\"stray \(stray)"])
            }
        }
    }

    @Test("gives what Python's csv finds, quoted or escaped")
    func python() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = #"""
            import csv, json, random, sys
            random.seed(3)
            letters = ["a", "é", "\"", "\"\"", ",", ";", "\n", "\r\n", "\\", " x ", "5\" "]
            rows = [["http://h/%d" % n, "w" + "".join(random.choice(letters) for _ in range(random.randrange(9))) + "w"] for n in range(300)]
            for name, options in (("doubled", {}), ("escaped", {"doublequote": False, "escapechar": "\\"}),
                                  ("all", {"quoting": csv.QUOTE_ALL}), ("semicolons", {"delimiter": ";"})):
                with open(f"{sys.argv[1]}/{name}.csv", "w", newline="") as file:
                    csv.writer(file, **options).writerows([["url", "caption"]] + rows)
            json.dump(rows, open(sys.argv[1] + "/rows.json", "w"))
            """#
        let ended = try Program.run("/usr/bin/env", ["python3", "-c", script, folder])
        try #require(ended.status == 0, "\(ended.errors)")
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/rows.json"))
        let expected = try JSONDecoder().decode([[String]].self, from: data)
        func plain(_ text: String) -> String {  // control characters are spaces in captions
            String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 ? " " : $0 }))
        }
        for (name, options) in [
            ("doubled", ""), ("escaped", #"escape: "\\""#), ("all", ""), ("semicolons", #"delimiter: ";""#),
        ] {
            for unitRows in [1, 97, 1000] {
                let found = try rows(of: "\(folder)/\(name).csv", format: "csv", options: options, unitRows: unitRows)
                #expect(found.map(\.texts) == expected.map { [plain($0[1])] }, "\(name), \(unitRows)")
            }
        }
    }
}
