import Foundation
import Manifests
import Samples
import SourceAdapters
import TestSupport
import Testing

@Suite("A filter") struct RowFilterTests {
    /// The reason for which a row of LAION's kind is left out by `filter`, in the notation of the manifest.
    private func reason(_ row: [String: Any], filter: String, exclusions: Exclusions = Exclusions()) throws -> String? {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let row = row.merging(["url": "http://h/a.jpg", "caption": "a caption"]) { given, _ in given }
        try JSONSerialization.data(withJSONObject: [row]).write(to: URL(fileURLWithPath: folder + "/l.json"))
        let manifest = try Manifest(
            yaml: """
                version: 1
                name: n
                sources:
                  - {name: s, format: laion, path: "\(folder)/l.json", filter: {\(filter)}}
                """)
        let rows = try readAll(try makeAdapter(for: manifest.sources[0], exclusions: exclusions), unitRows: 1)
        try #require(rows.count == 1 && rows[0].id.row == 0)
        guard case .rejected(let rejection) = rows[0].outcome else { return nil }
        return rejection.reason.rawValue
    }

    /// A row, a filter, and the name under which the row is counted.
    private static let cases: [(row: [String: any Sendable], filter: String, reason: String?)] = [
        (["width": 300, "height": 200], "min_side: 256", "filtered_size"),
        (["width": 300.0, "height": "256"], "min_side: 256", nil),
        (["width": "", "height": "None"], "min_side: 256", nil),
        (["width": "wide", "height": 300], "min_side: 256", "bad_row"),
        (["width": "wide", "height": 300], "", nil), (["width": 1.5, "height": 1.5], "min_side: 2", "filtered_size"),
        (["width": -1e300, "height": 1e300], "min_side: 1", "filtered_size"),
        (["width": 1e300, "height": 1e300], "min_side: 1", nil),
        (["width": "0xff", "height": 9], "min_side: 1", "bad_row"),
        (["similarity": [0.5]], "min_similarity: 0.3", "bad_row"),
        (["similarity": 0.29], "min_similarity: 0.3", "filtered_similarity"),
        (["similarity": 0.3], "min_similarity: 0.3", nil),
        (["NSFW": "unsure"], "nsfw: [NSFW, UNSURE]", "filtered_nsfw"),
        (["NSFW": true], "nsfw: [\"true\"]", "filtered_nsfw"),
        (["NSFW": false], "nsfw: [\"true\"]", nil),
        (["NSFW": 1], "nsfw: [\"1\"]", "filtered_nsfw"),
        (["punsafe": " 0.9 "], "max_unsafe: 0.45", "filtered_unsafe"),
        (["NSFW": "UNLIKELY"], "nsfw: [NSFW, UNSURE]", nil),
        (["punsafe": 0.5], "max_unsafe: 0.45", "filtered_unsafe"),
        (["pwatermark": 0.9], "max_watermark: 0.8", "filtered_watermark"),
        (["AESTHETIC_SCORE": 4], "min_aesthetic: 4.5", "filtered_aesthetic"),
        (["LANGUAGE": "de"], "languages: [en, fr]", "filtered_language"),
        (["LANGUAGE": "FR"], "languages: [en, fr]", nil), (["LANGUAGE": "en"], "languages: EN", nil),
        (["caption": "hi"], "min_caption_length: 5", "filtered_caption"),
        (["caption": "much too long"], "max_caption_length: 5", "filtered_caption"),
    ]

    @Test("leaves rows out by what the list says, each under its own name", arguments: cases.indices)
    func judged(_ index: Int) throws {
        let (row, filter, expected) = Self.cases[index]
        #expect(try reason(row, filter: filter) == expected, "\(row) \(filter)")
    }

    @Test("leaves out URLs and images that lists name")
    func exclusions() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "# bad\nhttp://h/a.jpg\n".write(toFile: folder + "/urls", atomically: false, encoding: .utf8)
        #expect(
            try reason([:], filter: "", exclusions: try Exclusions(urls: [folder + "/urls"], images: []))
                == "excluded_url")
        // COCO's evaluation images inside Visual Genome, by the lists that everybody has.
        let evaluation = [["image": "val2014/COCO_val2014_000000000042.jpg", "caption": ["x"]]]
        try JSONSerialization.data(withJSONObject: evaluation).write(to: URL(fileURLWithPath: folder + "/test.json"))
        let data: [[String: Any]] = [41, 42].map {
            ["image_id": $0, "url": "http://h/VG_100K/\($0).jpg", "coco_id": $0]
        }
        let regions = [41, 42].map { ["id": $0, "regions": [["phrase": "a thing"]]] as [String: Any] }
        try JSONSerialization.data(withJSONObject: data).write(to: URL(fileURLWithPath: folder + "/image_data.json"))
        try JSONSerialization.data(withJSONObject: regions).write(to: URL(fileURLWithPath: folder + "/regions.json"))
        let adapter = RefinedSource(
            VGSource(name: "s", paths: [folder + "/image_data.json", folder + "/regions.json"]), rewrites: [],
            filter: .none, exclusions: try Exclusions(urls: [], images: [folder + "/test.json"]))
        let reasons = try readAll(adapter, unitRows: 2).map { row -> String? in
            guard case .rejected(let rejection) = row.outcome else { return nil }
            return rejection.reason.rawValue
        }
        #expect(reasons == [nil, "excluded_image"])
    }

    @Test("refuses lists of what to leave out that cannot be meant", arguments: ["urls", "images"])
    func badExclusions(_ kind: String) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let cases: [([UInt8], String)] = [
            (Array("PAR1....".utf8), "this is a Parquet file"), (Array("<html>".utf8), "this is an HTML page"),
            ([0xff, 0xfe, 0x68, 0], "UTF-16"), (Array("coco_1\nvg_caf".utf8) + [0xe9, 10], "not UTF-8"),
            (Array("coco_1\n".utf8) + Array(repeating: UInt8(ascii: "x"), count: 2 << 20), "line 2: longer than"),
        ]
        for (list, message) in cases {
            try Data(list).write(to: URL(fileURLWithPath: folder + "/l"))
            let error = #expect(throws: SourceError.self) {
                try Exclusions(
                    urls: kind == "urls" ? [folder + "/l"] : [], images: kind == "images" ? [folder + "/l"] : [])
            }
            #expect(error?.hint.contains(message) == true, "\(error?.hint ?? "")")
        }
    }

    @Test("names the line of an image that no list can have")
    func badImageID() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for id in ["522418", "coco_", "COCO_val2014_1.jpg", "vg_1.jpg"] {
            try "# of COCO\n\ncoco_1\n\(id)\n".write(toFile: folder + "/l", atomically: false, encoding: .utf8)
            let error = #expect(throws: SourceError.self) { try Exclusions(urls: [], images: [folder + "/l"]) }
            #expect(error?.hint.hasPrefix("line 4: \"\(id)\": want") == true, "\(error?.hint ?? "")")
        }
    }

    @Test("keeps what a list has in the place of a digest, and refuses a list that gives none where they are compared")
    func digests() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/l.jsonl"
        let columns = Columns(url: "url", caption: "caption", facts: FactColumns(md5: "md5", sha256: "sum"))
        func facts(_ row: String) throws -> RowFacts? {
            try row.write(toFile: path, atomically: false, encoding: .utf8)
            let row = try readAll(JSONLSource(name: "s", paths: [path], columns: columns), unitRows: 1)[0]
            guard case .kept(let row) = row.outcome else { return nil }
            return row.facts
        }
        let good = try facts(#"{"url": "u", "caption": "c", "md5": "ABC", "sum": null}"#)
        #expect(good?.md5 == "abc" && good?.sha256 == nil && good?.unreadable.isEmpty == true)
        let bad = try facts(#"{"url": "u", "caption": "c", "md5": ["abc"], "sum": {}}"#)
        #expect(bad?.unreadable == [.md5: "md5: a list, not text", .sha256: "sum: an object, not text"])

        let list = #"[{"url": "http://h/1", "caption": "c", "md5": null}, {"url": "http://h/2", "caption": "c"}]"#
        for (list, isRefused) in [(list, false), (list.replacing("md5", with: "other"), true)] {
            try list.write(toFile: folder + "/l.json", atomically: false, encoding: .utf8)
            let manifest = try Manifest(
                yaml: "{version: 1, name: n, sources: [{name: s, format: laion, path: \"\(folder)/l.json\"}]}")
            let adapter = try makeAdapter(for: manifest.sources[0], needsDigests: true)
            guard isRefused else {
                #expect(try readAll(adapter, unitRows: 1).count == 2)
                continue
            }
            let error = #expect(throws: SourceError.self) { try readAll(adapter, unitRows: 1) }
            #expect(error?.hint.contains("has md5 or sha256, so fetch.verify_digests") == true)
        }
    }

    @Test("gives URLs another beginning, and keeps the list's for the record")
    func rewrites() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let photo = ["image_urls": ["http://static.flickr.com/1/2_3.jpg"], "captions": ["a photo"]]
        try JSONSerialization.data(withJSONObject: photo).write(to: URL(fileURLWithPath: folder + "/sbu.json"))
        let manifest = try Manifest(
            yaml: "{version: 1, name: n, sources: [{name: s, format: sbu, path: \"\(folder)/sbu.json\"}]}")
        let row = try readAll(try makeAdapter(for: manifest.sources[0]), unitRows: 1)[0]
        #expect(row.url == "http://static.flickr.com/1/2_3.jpg")
        guard case .kept(let kept) = row.outcome else { throw CancellationError() }
        #expect(kept.location == .url("https://live.staticflickr.com/1/2_3.jpg"))
    }
}
