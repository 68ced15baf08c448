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
            (Array("url\tcaption\nhttp://h/1\tone\n".utf8), "csv", #"the delimiter may be "\t""#),
            (Array("url;caption\nhttp://h/1;one\n".utf8), "csv", #"the delimiter may be ";""#),
            (
                Array("url,caption\nu,a,b\nu,c,d\n".utf8), "csv",
                "all of the first 2 rows cannot be read: 3 fields, not 2"
            ),
            (Array(object.utf8), "csv", "this looks like JSON: read it with format: jsonl"),
            (Array("{\n  \"url\": \"u\",\n  \"caption\": \"c\"\n}\n".utf8), "jsonl", "span several lines"),
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

    @Test("is none because of a damaged byte, and is when many bytes are of another encoding")
    func damagedBytes() throws {
        func list(_ rows: Int, broken: Set<Int>) -> [UInt8] {
            (0..<rows).flatMap { row in
                Array("http://h/\(row)\tcaf".utf8) + (broken.contains(row) ? [0xe9] : [UInt8(ascii: "e")]) + [10]
            }
        }
        #expect(try rows(list(100, broken: [50]), format: "cc12m")[50].texts == ["caf\u{fffd}"])
        #expect(try rows(list(4000, broken: [7, 1000, 2000]), format: "cc12m", unitRows: 1000).count == 4000)
        for list in [list(100, broken: [20, 40, 60]), list(4000, broken: Set((0..<400).map { $0 * 10 }))] {
            let error = #expect(throws: SourceError.self) { try rows(list, format: "cc12m") }
            #expect(error?.hint.contains("this is not UTF-8") == true)
        }
    }

    @Test("is told before its filter is, whose columns cannot be found in it")
    func filtered() throws {
        let filter = "width_column: w, height_column: h, filter: {min_side: 1}"
        for (list, format, options, message) in [
            ([0xff, 0xfe, 0x75, 0] as [UInt8], "csv", filter, "UTF-16"),
            (Array("PAR1....".utf8), "jsonl", filter, "a Parquet file"),
            (Array("no json\n".utf8), "jsonl", filter, "not a JSON object"),
            (Array("<html>".utf8), "coco", "filter: {min_side: 1}", "an HTML page"),
            (Array("<html>".utf8), "webdataset", "filter: {min_side: 1}", "an HTML page"),
        ] {
            let error = #expect(throws: SourceError.self) { try rows(list, format: format, options: options) }
            #expect(error?.hint.contains(message) == true, "\(error?.hint ?? "")")
        }
    }

    @Test("is judged by all its rows where its files are short")
    func shortFiles() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func found(_ names: String...) throws -> [ListedRow] {
            try readAll(CC12MSource(name: "s", paths: names.map { "\(folder)/\($0).tsv" }), unitRows: 50)
        }
        func write(_ name: String, _ text: String) throws {
            try text.write(toFile: "\(folder)/\(name).tsv", atomically: false, encoding: .utf8)
        }
        let long = (0..<120).map { "http://h/\($0)\tcaption\n" }.joined()
        for (name, text) in [("a", "http://h/1\tone\n"), ("b", "no tab\n"), ("c", "http://h/2\ttwo\n"), ("d", long)] {
            try write(name, text)
        }
        #expect(try found("a", "b", "c").map { $0.texts == nil } == [false, true, false])
        let all = try found("a", "b", "c", "d")
        #expect(all.count == 123 && all.filter { $0.texts == nil }.count == 1)
        // A long one that cannot be read is a mistake, whatever the others are.
        try write("d", String(repeating: "no tab\n", count: 100))
        try write("e", long)
        let error = #expect(throws: SourceError.self) { try found("a", "b", "c", "d", "e") }
        #expect(error?.file.hasSuffix("d.tsv") == true && error?.hint.hasPrefix("all of the first 100 rows") == true)
        let only = #expect(throws: SourceError.self) { try found("b") }
        #expect(only?.hint == "the only row cannot be read: no tab")
    }

    @Test("is told by keys that are missing in all its rows, not in those of one short file")
    func keys() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func found(_ lists: [String]) throws -> [ListedRow] {
            let paths = try lists.enumerated().map { number, text in
                try text.write(toFile: "\(folder)/\(number).jsonl", atomically: false, encoding: .utf8)
                return "\(folder)/\(number).jsonl"
            }
            return try readAll(JSONLSource(name: "s", paths: paths), unitRows: 50)
        }
        let (bare, whole) = (#"{"url": "http://h/1"}"# + "\n", #"{"url": "http://h/2", "caption": "c"}"# + "\n")
        #expect(try found([bare, whole]).map(\.texts) == [[], ["c"]])
        for lists in [[bare, bare], [String(repeating: bare, count: 100), whole]] {
            let error = #expect(throws: SourceError.self) { try found(lists) }
            #expect(error?.hint.contains("rows has the key caption; there are url") == true, "\(error?.hint ?? "")")
        }
    }

    @Test("is told when it is a pipe, which is never waited for", .timeLimit(.minutes(1)))
    func pipe() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/pipe"
        try #require(mkfifo(path, 0o600) == 0)
        for format in ["csv", "jsonl", "cc3m", "coco", "vg", "sbu", "laion", "parquet", "webdataset"] {
            let error = #expect(throws: SourceError.self, "\(format)") { try rows(of: path, format: format) }
            #expect(error?.hint == "not a plain file", "\(format)")
            // A plain file that the disk does not give.
            let unread = #expect(throws: SourceError.self) { try rows(of: "/proc/self/mem", format: format) }
            #expect(format == "parquet" || unread?.code == .unreadable, "\(format): \(unread?.hint ?? "")")
        }
        for lists in [(urls: [path], images: []), (urls: [], images: [path])] {
            let error = #expect(throws: SourceError.self) { try Exclusions(urls: lists.urls, images: lists.images) }
            #expect(error?.hint == "not a plain file")
        }
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
