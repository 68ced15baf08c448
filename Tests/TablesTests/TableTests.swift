import Foundation
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
        try readResultTable(folder + "/a") { read.append($0) }
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
        let ended = try Program.run(Project.python, ["-c", script, folder + "/t.parquet"])
        try #require(ended.status == 0, "scripts/setup --tests makes the tests' Python: \(ended.errors)")
        let known = ["key", "url", "caption", "status", "error_message", "width", "height", "original_width",
            "original_height", "sha256"]
        #expect(ended.output.hasPrefix("[[" + known.map { "\"\($0)\"" }.joined(separator: ", ")))
        #expect(ended.output.contains(#""candidates": ["a 猫", ""], "candidate_scores": [0.25, -1.0]"#))
    }

    @Test("that is damaged or no Parquet at all is an error that names it")
    func damaged() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = try ResultTableWriter(path: folder + "/t")
        for number in 0..<100 { try writer.append(row(number)) }
        try writer.finish()
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/t"))
        for length in stride(from: 0, to: whole.count, by: 97) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: folder + "/cut"))
            let error = #expect(throws: TableError.self) { try readResultTable(folder + "/cut") { _ in } }
            #expect(error?.path == folder + "/cut")
        }
    }

    @Test("reads numbers of any type, texts of any type and nulls of others' files")
    func others() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = """
            import sys, pyarrow as pa, pyarrow.parquet as pq
            pq.write_table(pa.table({
                "SAMPLE_ID": pa.array([1.0, 2.0, None], pa.float64()), "WIDTH": pa.array([1, 2, 3], pa.int32()),
                "URL": pa.array(["a", None, "c"], pa.large_string()), "TEXT": pa.array([b"x", b"y", b"\\xff"], pa.binary()),
                "similarity": pa.array([.5, .25, .125], pa.float32())}), sys.argv[1])
            """
        let ended = try Program.run(Project.python, ["-c", script, folder + "/o.parquet"])
        try #require(ended.status == 0, "\(ended.errors)")
        var seen: [String] = []
        try TableReader(path: folder + "/o.parquet").rows(
            ofGroup: 0, columns: ["similarity", "URL", "SAMPLE_ID", "WIDTH", "TEXT"]
        ) { number, row in
            seen.append(
                "\(number) \(try row.double(0) ?? 0) \(try row.string(1) ?? "-") \(try row.int(2) ?? -1) \(try row.int(3) ?? -1) \(try row.string(4) ?? "-")")
        }
        #expect(seen == ["0 0.5 a 1 1 x", "1 0.25 - 2 2 y", "2 0.125 c -1 3 \u{fffd}"])
    }
}
