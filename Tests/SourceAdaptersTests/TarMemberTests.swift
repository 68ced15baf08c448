import Foundation
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("The members of a tar") struct TarMemberTests {
    /// The rows of a tar with these members, whose name ends with `ending`, the same in units of any size.
    private func rows(
        _ members: [(String, [UInt8])], ending: String = ".tar", options: String = ""
    ) throws -> [ListedRow] {
        let folder = try Project.temporaryFolder("tar")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = """
            import io, json, sys, tarfile
            path = sys.argv[1]
            with tarfile.open(path, "w:" + {"gz": "gz", "xz": "xz", "bz2": "bz2"}.get(path.split(".")[-1], "")) as t:
                for name, data in json.load(open(sys.argv[2])):
                    info = tarfile.TarInfo(name); info.size = len(data); t.addfile(info, io.BytesIO(bytes(data)))
            """
        let list = members.map { [$0.0, $0.1.map(Int.init)] as [Any] }
        try JSONSerialization.data(withJSONObject: list).write(to: URL(fileURLWithPath: folder + "/m.json"))
        let made = try Program.run(
            "/usr/bin/env", ["python3", "-c", script, folder + "/a" + ending, folder + "/m.json"])
        try #require(made.status == 0, "\(made.errors)")
        let whole = try SourceAdaptersTests.rows(
            of: folder + "/a" + ending, format: "webdataset", options: options, unitRows: 100)
        for unitRows in [1, 2, 3] {
            let again = try SourceAdaptersTests.rows(
                of: folder + "/a" + ending, format: "webdataset", options: options, unitRows: unitRows)
            #expect(again.map(\.texts) == whole.map(\.texts), "\(unitRows)")
        }
        return whole
    }

    private func text(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func image(_ row: ListedRow) -> String? {
        guard case .kept(let row) = row.outcome, case .bytes(let bytes) = row.location else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("that a Mac adds are passed over", arguments: [".tar", ".tar.gz", ".tar.xz", ".tar.bz2"])
    func mac(_ ending: String) throws {
        let found = try rows(
            [
                ("._1.jpg", [0, 5, 22, 7]), ("1.jpg", text("one")), ("__MACOSX/._1.txt", [0]), ("._1.txt", [0]),
                ("1.txt", text("a")), (".DS_Store", [0]), ("./._2.jpg", [0]), ("./2.jpg", text("two")),
                ("2.txt", text("b")),
            ], ending: ending)
        #expect(found.map(\.texts) == [["a"], ["b"]] && found.map(image) == ["one", "two"])
        #expect(found.map(\.sourceID) == ["1", "2"])
    }

    @Test("that come again begin another sample, or make a bad row: no image gets another's caption")
    func twice() throws {
        let found = try rows([
            ("1.jpg", text("a")), ("1.txt", text("a")), ("1.jpg", text("b")), ("1.txt", text("b")),
            ("2.jpg", text("c")),
            ("1.jpg", text("d")), ("1.txt", text("d")), ("3.jpg", text("e")), ("3.jpg", text("f")),
            ("3.txt", text("f")),
            ("3.txt", text("g")),
        ])
        for row in found { if let texts = row.texts, !texts.isEmpty { #expect(texts == [image(row)]) } }
        #expect(found.map(\.texts) == [["a"], ["b"], [], ["d"], [], nil])
    }

    @Test("with texts say what they say, in UTF-8 and UTF-16, with marks, NaN and lone halves of pairs")
    func texts() throws {
        let members: [([(String, [UInt8])], [String]?)] = [
            ([("txt", [0xef, 0xbb, 0xbf] + text("bom"))], ["bom"]), ([("txt", [])], []),
            ([("txt", [0xff, 0xfe, 0x75, 0, 0xe9, 0])], ["ué"]), ([("txt", [0xfe, 0xff, 0, 0x75])], ["u"]),
            ([("json", text(#"{"caption": "c\ud83d"}"#))], ["c"]),
            ([("json", text(#"{"caption": "c", "similarity": NaN}"#))], ["c"]),
            ([("json", text(#"{"caption": 5}"#))], ["5"]),
            ([("json", text(#"["best", 7, null]"#))], ["best", "7"]),
            ([("json", text(#"{"caption": {"a": 1}}"#))], nil),
            ([("json", [0xef, 0xbb, 0xbf] + text(#"{"caption": "m"}"#))], ["m"]),
            ([("txt", text("t")), ("json", text(#"{"caption": "c""#))], nil), ([("json", text("5"))], nil),
            ([("txt", text("t")), ("json", text("null"))], ["t"]), ([("meta.json", text("[]"))], nil),
            ([("json", text(#"["a", "b"]"#)), ("meta.json", text(#"{"url": "u"}"#))], ["a", "b"]),
        ]
        let all = members.enumerated().flatMap { number, sample in
            [("\(number).jpg", text("x"))] + sample.0.map { ("\(number).\($0.0)", $0.1) }
        }
        #expect(try rows(all).map(\.texts) == members.map(\.1))
    }

    @Test("say where a bad sample is, in the unit of its number")
    func place() throws {
        for (ending, place) in [(".tar", "a.tar, byte 1024"), (".tar.gz", "a.tar.gz, sample 1")] {
            let found = try rows([("1.jpg", text("x")), ("2.txt", text("y"))], ending: ending)
            guard case .rejected(let rejection) = found[1].outcome else { throw CancellationError() }
            #expect(rejection.message == place + ": no image among the sample's members")
        }
    }

    @Test("say what img2dataset says of an image, so that filters judge by it")
    func facts() throws {
        let said = [
            #"{"caption": "a", "NSFW": "NSFW", "similarity": 0.2, "original_width": 900, "original_height": 900}"#,
            #"{"caption": "b", "NSFW": "UNLIKELY", "similarity": 0.4, "original_width": 100, "original_height": 900}"#,
            #"{"caption": "c", "NSFW": null, "similarity": NaN, "original_width": null, "original_height": null}"#,
        ]
        let members = said.enumerated().flatMap { [("\($0).jpg", text("x")), ("\($0).json", text($1))] }
        for (filter, kept) in [("nsfw: [NSFW]", [1, 2]), ("min_similarity: 0.3", [1, 2]), ("min_side: 256", [0, 2])] {
            let found = try rows(members, options: "filter: {\(filter)}")
            #expect(found.indices.filter { found[$0].texts != nil } == kept, "\(filter)")
        }
        let error = #expect(throws: SourceError.self) { try rows(members, options: "filter: {languages: [en]}") }
        #expect(error?.hint.contains("none of the first 3 rows has language") == true)
    }
}
