import Foundation
import Manifests
import Samples
import Shards
import SourceAdapters
import TestSupport
import Testing

@Suite("The shards of a data set as a source") struct ShardsSourceTests {
    private func sample(_ number: Int, candidates: [ScoredCaption] = [], webCaption: String? = nil) -> ShardSample {
        let written = ScoredCaption(text: "blip \(number)", score: 0.3, origin: .blip)
        return ShardSample(
            image: Array("image \(number)".utf8), imageExtension: "jpg",
            metadata: SampleMetadata(
                key: "old-\(String(format: "%012d", number))", source: "old", sourceID: "id \(number)",
                url: "http://h/\(number).jpg", width: 96, height: 128, originalWidth: 600 + number,
                originalHeight: 800, sha256: String(repeating: "\(number % 10)", count: 64),
                webCaption: webCaption ?? "web \(number)", captions: [written], candidates: candidates))
    }

    /// A folder with shards of these samples, and `description` as `dataset.json`, where there is one.
    private func shards(_ samples: [[ShardSample]], description: String? = nil) throws -> (folder: String, [String]) {
        let folder = try Project.temporaryFolder("shards")
        try FileManager.default.createDirectory(atPath: folder + "/shards", withIntermediateDirectories: true)
        let paths = try samples.enumerated().map { number, samples in
            let path = "\(folder)/shards/old-00000\(number).tar.zst"
            let writer = try ShardWriter(path: path, level: 1)
            for sample in samples { try writer.append(sample) }
            _ = try writer.finish()
            return path
        }
        try description?.write(toFile: folder + "/dataset.json", atomically: false, encoding: .utf8)
        return (folder, paths)
    }

    @Test("keeps what is known of an image and the captions that came, whatever the units", arguments: [1, 2, 9])
    func kept(_ unitRows: Int) throws {
        let (folder, paths) = try shards([[sample(0), sample(3)], [sample(4)], [sample(7), sample(8), sample(9)]])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let rows = try readAll(ShardsSource(name: "again", paths: paths), unitRows: unitRows)
        #expect(rows.map(\.id.row) == Array(0..<6))
        #expect(rows.map(\.url) == [0, 3, 4, 7, 8, 9].map { "http://h/\($0).jpg" })
        for (listed, number) in zip(rows, [0, 3, 4, 7, 8, 9]) {
            guard case .kept(let row) = listed.outcome else { return #expect(Bool(false), "\(listed.outcome)") }
            #expect(row.sourceID == "id \(number)" && row.captions == [Caption(text: "web \(number)", origin: .web)])
            #expect(row.location == .bytes(Array("image \(number)".utf8)))
            #expect(row.earlier?.sha256.hex == String(repeating: "\(number)", count: 64))
            #expect(row.earlier.map { [$0.width, $0.height] } == [600 + number, 800])
        }
    }

    @Test("leaves out what a model wrote, and keeps who wrote the rest, the first caption first")
    func captions() throws {
        func caption(_ text: String, _ origin: CaptionOrigin) -> ScoredCaption {
            ScoredCaption(text: text, score: 0, origin: origin)
        }
        let several = sample(
            1, candidates: [caption("b", .blip), caption("second", .human), caption("first", .human)],
            webCaption: "first")
        let (folder, paths) = try shards([[several, sample(2, webCaption: "")]])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let rows = try readAll(ShardsSource(name: "again", paths: paths), unitRows: 5)
        #expect(rows.map(\.texts) == [["first", "second"], []])
        guard case .kept(let row) = rows[0].outcome else { return #expect(Bool(false)) }
        #expect(row.captions.map(\.origin) == [.human, .human])
    }

    @Test("is refused while the data set is being built, and where a shard is not the data set's")
    func refused() throws {
        func description(complete: Bool, _ shards: String) -> String {
            """
            {"name": "old", "manifest_digest": "", "model_digests": {}, "model_names": {}, "notice": "",
             "software_version": "", "complete": \(complete), "totals": {"shards": 1, "rows": 1, "samples": 1, "bytes": 1,
             "statuses": {}}, "shards": [\(shards)]}
            """
        }
        let shard = #"{"name": "old-000000", "source": "old", "samples": 1, "bytes": 1, "sha256": ""}"#
        for (text, message) in [
            (description(complete: false, shard), "not complete"), (description(complete: true, ""), "not in its"),
            ("{", "dataset.json"),
        ] {
            let (folder, paths) = try shards([[sample(0)]], description: text)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let error = #expect(throws: SourceError.self) {
                try readAll(ShardsSource(name: "again", paths: paths), unitRows: 5)
            }
            #expect(error.map { "\($0)".contains(message) } == true, "\(error.map { "\($0)" } ?? "")")
        }
        let (folder, paths) = try shards([[sample(0)]], description: description(complete: true, shard))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try readAll(ShardsSource(name: "again", paths: paths), unitRows: 5).count == 1)
    }

    @Test("has bad rows where a shard is damaged, and is refused where the file is another")
    func damaged() throws {
        let (folder, paths) = try shards([(0..<40).map { sample($0) }])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: paths[0]))
        let whole = try readAll(ShardsSource(name: "again", paths: paths), unitRows: 7)
        bytes[bytes.count / 4] ^= 0xff
        try bytes.write(to: URL(fileURLWithPath: paths[0]))
        let rows = try readAll(ShardsSource(name: "again", paths: paths), unitRows: 7)
        #expect(rows.count == whole.count && rows.contains { $0.texts == nil })
        for row in rows {
            if case .rejected(let rejection) = row.outcome { #expect(rejection.reason == .badRow) }
        }
        try "no shard".write(toFile: paths[0], atomically: false, encoding: .utf8)
        let error = #expect(throws: SourceError.self) {
            try readAll(ShardsSource(name: "again", paths: paths), unitRows: 7)
        }
        #expect(error?.code == .malformed, "\(error.map { "\($0)" } ?? "")")
    }

    @Test("takes no key that says where images are: they are in the shards")
    func keys() {
        let rewrite = "rewrite: [{prefix: a, replacement: b}]"
        for key in ["image_root: /tmp", "follow_links: true", rewrite, "encoding: utf-8"] {
            let yaml = "version: 1\nname: n\nsources:\n  - {name: s, format: shards, path: x, \(key)}"
            #expect(throws: ManifestError.self, "\(key)") { try Manifest(yaml: yaml) }
        }
    }
}
