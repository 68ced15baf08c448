import Foundation
import Manifests
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("A column of a Parquet list") struct ColumnTypeTests {
    /// Gives `body` the path of a table of two rows that a Python expression makes of `pa`, beside `url` and `caption`.
    private func withTable(_ columns: String, _ body: (String) throws -> Void) throws {
        let folder = try Project.temporaryFolder("columns")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = """
            import datetime, decimal, sys, uuid, pyarrow as pa, pyarrow.parquet as pq
            columns = {"url": ["http://h/0", "http://h/1"], "caption": ["a", "b"]} | {\(columns)}
            pq.write_table(pa.table(columns), sys.argv[1])
            """
        try Python.run(script, [folder + "/t.parquet"])
        try body(folder + "/t.parquet")
    }

    @Test("of ids gives them exactly, whatever holds them")
    func ids() throws {
        let columns = """
            "u": pa.array([2**63 + 5, 2**53 + 1], pa.uint64()), "f": [7.0, 2.5], "d": [decimal.Decimal("12345678901234567890"), None],
            "w": pa.array([datetime.datetime(2020, 2, 29, 1, 2, 3), None], pa.timestamp("us", "UTC")), "b": [True, None],
            "x": pa.array([b"\\x00\\xff", b"ab"], pa.binary(2)), "s": pa.array(["k", "k"]).dictionary_encode(), "y": pa.array([b"k", b"\\x00\\xff"]),
            "g": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16)), None], pa.binary(16)))
            """
        try withTable(columns) { (path: String) throws in
            for (column, expected) in [
                ("u", ["9223372036854775813", "9007199254740993"]), ("f", ["7", "2.5"]), ("b", ["true", ""]),
                ("d", ["12345678901234567890", ""]), ("w", ["2020-02-29T01:02:03Z", ""]), ("x", ["00ff", "6162"]),
                ("s", ["k", "k"]), ("y", ["k", "0x00ff"]), ("g", ["00010203-0405-0607-0809-0a0b0c0d0e0f", ""]),
            ] {
                #expect(
                    try rows(of: path, format: "parquet", options: "id_column: \(column)").map(\.sourceID) == expected)
            }
        }
    }

    @Test("of a type that cannot be meant is refused when planning, with its name and type")
    func refused() throws {
        let columns = """
            "o": [{"a": 1}, {"a": 2}], "l": [["x"], ["y"]], "n": [1, 2], "t": [datetime.date(2020, 1, 1)] * 2,
            "ol": [[{"raw": "x"}], []], "x": pa.array([b"ab", b"cd"], pa.binary(2)), "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int32())),
            "i": pa.array([datetime.timedelta(1)] * 2)
            """
        try withTable(columns) { (path: String) throws in
            for (key, column, message) in [
                ("url_column", "n", "column n holds int64, not URLs, paths or images"),
                ("url_column", "l", "column l holds list<element: string>, not URLs"),
                ("url_column", "o", "column o holds struct<a: int64>"),
                ("url_column", "x", "column x holds fixed_size_binary[2]"),
                ("caption_column", "o", "column o holds struct<a: int64>, not texts"),
                ("caption_column", "ol", "not texts"), ("caption_column", "m", "column m holds map<string, int32"),
                ("id_column", "l", "column l holds list<element: string>, not ids"),
                ("id_column", "i", "column i holds duration"),
                ("nsfw_column", "o", "not words"), ("nsfw_column", "t", "column t holds date32[day], not words"),
                ("width_column", "l", "not numbers"), ("width_column", "t", "not numbers"),
                ("md5_column", "n", "not digests"),
                ("id_column", "none", "no column none; there are url, caption, o, l"),
            ] {
                let error = #expect(throws: SourceError.self) {
                    try rows(of: path, format: "parquet", options: "\(key): \(column)")
                }
                #expect(error?.hint.contains(message) == true, "\(error?.hint ?? "") [\(message)]")
            }
        }
    }

    @Test("of captions may hold texts, numbers, and lists of lists of them")
    func captions() throws {
        let columns = """
            "l": [["x", None, "y"], None], "ll": pa.array([[["x"], ["y"]], [[], None]]), "n": [5, None], "f": [float("nan"), 0.5],
            "e": pa.array([["k"], []], pa.list_(pa.dictionary(pa.int32(), pa.string()))) if False else [["k"], []]
            """
        try withTable(columns) { (path: String) throws in
            for (column, expected) in [
                ("l", [["x", "y"], []]), ("ll", [["x", "y"], []]), ("n", [["5"], []]), ("f", [[], ["0.5"]]),
                ("e", [["k"], []]),
            ] {
                #expect(
                    try rows(of: path, format: "parquet", options: "caption_column: \(column)").map(\.texts)
                        == expected, "\(column)")
            }
        }
    }

    @Test("filters by numbers of any type, and by booleans, and says what is no number")
    func filters() throws {
        let columns = """
            "b": [True, False], "i": pa.array([10, 512], pa.uint16()), "d": [decimal.Decimal("10.00"), decimal.Decimal("512.00")],
            "s": [" 10 ", "512.0"], "h": pa.array([None, 512.0], pa.float32()), "x": ["nan", "wide"], "z": pa.nulls(2)
            """
        try withTable(columns) { (path: String) throws in
            func statuses(_ options: String) throws -> [String] {
                try rows(of: path, format: "parquet", options: options).map { row in
                    if case .rejected(let rejection) = row.outcome { rejection.reason.rawValue } else { "kept" }
                }
            }
            #expect(try statuses(#"nsfw_column: b, filter: {nsfw: ["true"]}"#) == ["filtered_nsfw", "kept"])
            for column in ["i", "d", "s"] {
                let options = "width_column: \(column), height_column: \(column), filter: {min_side: 256}"
                #expect(try statuses(options) == ["filtered_size", "kept"], "\(column)")
            }
            #expect(try statuses("unsafe_column: h, filter: {max_unsafe: 0.5}") == ["kept", "filtered_unsafe"])
            #expect(try statuses("unsafe_column: x, filter: {max_unsafe: 0.5}") == ["kept", "bad_row"])
            #expect(try statuses("unsafe_column: z, filter: {max_unsafe: 0.5}") == ["kept", "kept"])
            #expect(try statuses("unsafe_column: x") == ["kept", "kept"])
        }
    }

    @Test("of images, as Hugging Face writes them or as bytes, gives the images")
    func images() throws {
        let columns = """
            "image": [{"bytes": b"\\xff\\xd8\\xff" + b"1" * 300000, "path": "a.jpg"}, {"bytes": None, "path": "http://h/b.jpg"}],
            "raw": [b"\\x89PNG\\r\\n\\x1a\\n", b"http://h/c.jpg"],
            "avif": [b"\\0\\0\\0\\x1cftypavif", b"BM\\x46\\0\\0\\0\\0\\0"], "bare": [{"bytes": b"x"}, {"bytes": None}],
            "empty": [{"bytes": b"", "path": "http://h/d.jpg"}, {"bytes": b"y", "path": None}]
            """
        try withTable(columns) { (path: String) throws in
            func locations(_ column: String) throws -> [ImageLocation?] {
                try rows(of: path, format: "parquet", options: "url_column: \(column)").map { listed in
                    if case .kept(let row) = listed.outcome { row.location } else { nil }
                }
            }
            let jpeg = ImageLocation.bytes([0xff, 0xd8, 0xff] + Array(repeating: UInt8(ascii: "1"), count: 300_000))
            #expect(try locations("image") == [jpeg, .url("http://h/b.jpg")])
            #expect(
                try locations("avif")
                    == [
                        .bytes([0, 0, 0, 28] + Array("ftypavif".utf8)),
                        .bytes(Array("BM".utf8) + [0x46, 0, 0, 0, 0, 0]),
                    ])
            #expect(try locations("bare") == [.bytes([UInt8(ascii: "x")]), nil])
            #expect(try locations("empty") == [.url("http://h/d.jpg"), .bytes([UInt8(ascii: "y")])])
            #expect(
                try locations("raw") == [.bytes([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), .url("http://h/c.jpg")])
        }
    }

    @Test("that a filter needs is there, or the filter is refused")
    func needed() throws {
        for (format, filter) in [
            ("csv", "nsfw: [NSFW]"), ("parquet", "min_side: 1"), ("jsonl", "max_unsafe: 0.5"),
            ("cc3m", "min_similarity: 0.3"),
            ("sbu", "languages: [en]"), ("cc12m", "min_aesthetic: 5"),
            ("parquet", "min_side: 1}, width_column: w, rewrite: []"),
        ] {
            let close = filter.hasSuffix("]") && filter.contains("}") ? "" : "}"
            let yaml =
                "{version: 1, name: n, sources: [{name: s, format: \(format), path: p, filter: {\(filter)\(close)}]}"
            let error = #expect(throws: ManifestError.self) { try Manifest(yaml: yaml) }
            #expect(error?.keyPath == "sources[0].filter", "\(error.map { "\($0)" } ?? yaml)")
        }
        let list = Array(#"[{"url": "http://h/1", "caption": "c", "NSFW": null}]"#.utf8)
        #expect(try rows(list, format: "laion", name: "l.json", options: "filter: {nsfw: [NSFW]}").count == 1)
        let error = #expect(throws: SourceError.self) {
            try rows(list, format: "laion", name: "l.json", options: "filter: {max_unsafe: 0.5}")
        }
        #expect(error?.hint.contains("has unsafe, so filter.max_unsafe would have no effect") == true)
    }
}
