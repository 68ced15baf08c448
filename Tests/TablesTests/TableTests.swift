import Files
import Foundation
import RandomNumbers
import Samples
import Tables
import TestSupport
import Testing

private func row(_ number: Int) -> ResultRow {
    var row = ResultRow(
        key: SampleID(source: "s", row: number).key, url: "http://h/\(number)", status: ResultRow.success,
        webCaption: "wéb \(number)")
    if number % 3 == 0 {
        row.status = "http_error"
        row.errorMessage = "404"
        row.httpStatus = 404
        return row
    }
    (row.width, row.height, row.originalWidth, row.originalHeight) = (384, 512, 3840, 5120)
    row.sha256 = String(repeating: "a", count: 64)
    row.finalURL = "http://h/final"
    row.candidates = [
        ScoredCaption(text: "a 猫", score: 0.25, origin: .blip), ScoredCaption(text: "", score: -1, origin: .web),
    ]
    row.captions = [row.candidates[0]]
    return row
}

@Suite("A shard's table") struct TableTests {
    @Test("gives back every row, over several row groups, and is the same bytes every time")
    func roundTrip() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let rows = (0..<20_000).map(row)
        for name in ["a", "b"] {
            let writer = try ResultTableWriter(path: "\(folder)/\(name)")
            for row in rows { try writer.append(row) }
            try writer.finish()
        }
        var read: [ResultRow] = []
        try readResultTable(OpenedFile(folder + "/a")) { read.append($0) }
        #expect(read == rows)
        #expect(try TableReader(path: folder + "/a").rowGroupCount == 3)
        #expect(FileManager.default.contentsEqual(atPath: folder + "/a", andPath: folder + "/b"))
    }

    @Test("may have no row")
    func empty() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try ResultTableWriter(path: folder + "/t").finish()
        #expect(try TableReader(path: folder + "/t").rowCount == 0)
    }

    @Test("opens with pyarrow, with the columns that users of img2dataset know")
    func pyarrow() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try ResultTableWriter(path: folder + "/t.parquet")
        for number in 0..<4 { try writer.append(row(number)) }
        try writer.finish()
        let script = """
            import json, sys, pyarrow.parquet as pq
            t = pq.read_table(sys.argv[1]); print(json.dumps([t.column_names, t.to_pylist()], ensure_ascii=False))
            """
        let printed = try Python.run(script, [folder + "/t.parquet"])
        let known = [
            "key", "url", "caption", "status", "error_message", "width", "height", "original_width",
            "original_height", "sha256",
        ]
        #expect(printed.hasPrefix("[[" + known.map { "\"\($0)\"" }.joined(separator: ", ")))
        #expect(printed.contains(#""candidates": ["a 猫", ""], "candidate_scores": [0.25, -1.0]"#))
    }

    @Test("keeps little in memory however long its texts are: large rows make small row groups")
    func longTexts() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try ResultTableWriter(path: folder + "/t")
        var long = row(0)
        long.webCaption = String(repeating: "x", count: 1 << 20)
        for _ in 0..<70 { try writer.append(long) }
        try writer.finish()
        let reader = try TableReader(path: folder + "/t")
        #expect((0..<reader.rowGroupCount).map(reader.rowCount(ofGroup:)) == [32, 32, 6])
    }

    @Test("that is cut off or no Parquet at all is an error that names it")
    func cutOff() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let whole = try smallTable(folder)
        for length in stride(from: 0, to: whole.count, by: 97) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: folder + "/cut"))
            let error = #expect(throws: TableError.self) { try readResultTable(OpenedFile(folder + "/cut")) { _ in } }
            #expect(error?.path == folder + "/cut")
        }
        let missing = #expect(throws: TableError.self) { try TableReader(path: folder + "/none") }
        #expect(missing?.description.contains("no such file") == true)
    }

    @Test("with flipped bits never crashes its reader: rows, or an error that names it")
    func flippedBits() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let whole = try smallTable(folder)
        var random = SplitMix64(seed: 7)
        var found = 0
        for _ in 0..<400 {
            var damaged = whole
            damaged[Int.random(in: 0..<damaged.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            try damaged.write(to: URL(fileURLWithPath: folder + "/damaged"))
            do {
                try readResultTable(OpenedFile(folder + "/damaged")) { _ in }
            } catch let error as TableError {
                #expect(error.path == folder + "/damaged")
                found += 1
            }
        }
        #expect(found > 0)
    }

    @Test("of others is read whatever the types of its numbers and texts are")
    func others() throws {
        let script = """
            import sys, pyarrow as pa, pyarrow.parquet as pq, numpy as np
            pq.write_table(pa.table({
                "SAMPLE_ID": pa.array([1.0, 2.0, None], pa.float64()), "WIDTH": pa.array([1, 2, 3], pa.int32()),
                "URL": pa.array(["a", None, "c"], pa.large_string()), "TEXT": pa.array([b"x", b"y", b"\\xff"], pa.binary()),
                "similarity": pa.array([.5, .25, .125], pa.float32()), "half": pa.array(np.float16([1.5, 2, 3])),
                "NSFW": pa.array(["no", None, "no"]).dictionary_encode(), "flag": pa.array([True, None, False]),
                "huge": pa.array([2**40, 0, 1], pa.uint64()), "nothing": pa.nulls(3),
                "lists": pa.array([["p", None], [], None], pa.large_list(pa.string())),
                "pairs": pa.array([[1, 2], [3, 4], None], pa.list_(pa.int16(), 2)),
                "md5": pa.array([b"0123", b"4567", None], pa.binary(4)), "day": pa.array([0, 1, 2], pa.date32()),
            }), sys.argv[1], row_group_size=2)
            """
        try withTable(script) { reader in
            #expect(reader.rowCount == 3 && reader.rowGroupCount == 2 && reader.rowCount(ofGroup: 1) == 1)
            let seen = try values(reader, ["similarity", "URL", "SAMPLE_ID", "WIDTH", "TEXT"]) { row in
                [try row.double(0), try row.string(1), try row.int(2), try row.int(3), try row.string(4)]
            }
            #expect(seen == ["0.5 a 1 1 x", "0.25 nil 2 2 y", "0.125 c nil 3 \u{fffd}"])
            let rare = try values(reader, ["half", "NSFW", "flag", "huge", "nothing", "md5"]) { row in
                [
                    try row.double(0), try row.string(1), try row.bool(2), try row.int(3), try row.string(4),
                    try row.string(5),
                ]
            }
            #expect(rare == ["1.5 no true 1099511627776 nil 0123", "2.0 nil nil 0 nil 4567", "3.0 no false 1 nil nil"])
            let lists = try values(reader, ["pairs", "lists"]) { [try $0.doubles(0), try $0.strings(1)] }
            #expect(lists == ["[1.0, 2.0] [\"p\", \"\"]", "[3.0, 4.0] []", "nil nil"])
        }
    }

    @Test("says what a column holds that is asked for something else, and which columns there are")
    func wrongColumns() throws {
        let script = """
            import sys, pyarrow as pa, pyarrow.parquet as pq
            pq.write_table(pa.table({"n": pa.array([1.5]), "t": ["x"], "d": pa.array([0], pa.date32())}), sys.argv[1])
            """
        try withTable(script) { reader in
            for (column, wanted, read) in [
                ("n", "holds double, not text", { _ = try $0.string(0) }),
                ("n", "not a whole number: 1.5", { _ = try $0.int(0) }),
                ("t", "holds string, not numbers", { _ = try $0.double(0) }),
                ("t", "holds string, not lists", { _ = try $0.strings(0) }),
                ("d", "holds date32[day], not text", { _ = try $0.string(0) }),
            ] as [(String, String, (TableRow) throws -> Void)] {
                let error = #expect(throws: TableError.self) {
                    try reader.rows(ofGroup: 0, columns: [column]) { _, row in try read(row) }
                }
                #expect(error?.detail.contains(wanted) == true, "\(String(describing: error))")
            }
            let missing = #expect(throws: TableError.self) { try reader.rows(ofGroup: 0, columns: ["x"]) { _, _ in } }
            #expect(missing?.detail == "no column x; there are n, t, d")
        }
    }

    private func smallTable(_ folder: String) throws -> Data {
        let writer = try ResultTableWriter(path: folder + "/t")
        for number in 0..<100 { try writer.append(row(number)) }
        try writer.finish()
        return try Data(contentsOf: URL(fileURLWithPath: folder + "/t"))
    }

    /// Gives `body` the table that a Python script writes to its first argument.
    private func withTable(_ script: String, _ body: (TableReader) throws -> Void) throws {
        let folder = try Project.temporaryFolder("table")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Python.run(script, [folder + "/t.parquet"])
        try body(TableReader(path: folder + "/t.parquet"))
    }

    /// A line for each row of the table: what `read` finds in it.
    private func values(
        _ reader: TableReader, _ columns: [String], _ read: (TableRow) throws -> [Any?]
    ) throws -> [String] {
        var lines: [String] = []
        for group in 0..<reader.rowGroupCount {
            try reader.rows(ofGroup: group, columns: columns) { _, row in
                lines.append(try read(row).map { $0.map { "\($0)" } ?? "nil" }.joined(separator: " "))
            }
        }
        return lines
    }
}
