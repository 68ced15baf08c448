import Files
import Foundation
import Samples
import Testing

@testable import Reports

@Suite("Descriptions of a data set")
struct DescriptionTests {
    @Test("Croissant lists every file with its digest and size, and the columns of the tables")
    func croissant() throws {
        let text = try Croissant(try facts(notice: "only a test")).json()
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let files = try #require(json["distribution"] as? [[String: Any]])
        #expect(
            files.map { $0["@id"] as? String } == [
                "shards/demo-000000.tar.zst", "shards/demo-000000.parquet", "tables",
            ])
        #expect(
            files[0]["sha256"] as? String == (try digest("d").hex) && files[0]["contentSize"] as? String == "12345 B")
        #expect(files[2]["includes"] as? String == "shards/*.parquet")
        let records = try #require(json["recordSet"] as? [[String: Any]])
        let names = try #require(records.first?["field"] as? [[String: Any]]).compactMap { $0["name"] as? String }
        #expect(
            Set(names).isSuperset(of: ["key", "url", "caption", "status", "error_message", "sha256", "web_caption"]))
        #expect((json["description"] as? String)?.contains("only a test") == true)
        #expect(text == (try Croissant(try facts(notice: "only a test")).json()) && text.hasSuffix("}\n"))
    }

    @Test("Croissant written shard by shard is the same, byte for byte")
    func streamed() throws {
        let digest = try digest("d")
        let shards = (0..<3).map {
            DatasetFacts.Shard(
                name: "demo-00000\($0)", source: "demo", samples: $0, byteCount: $0, digest: digest,
                table: (byteCount: 5, digest: digest))
        }
        let text = try Croissant(try facts(shards: Array(shards.prefix(1)))).aroundShards()
        let path = NSTemporaryDirectory() + "croissant-" + UUID().uuidString
        defer { unlink(path) }
        try writeFile(path) { file in
            var writer = ListText.Writer(text, to: file)
            for shard in shards { try writer.add(Croissant.element(shard)) }
            try writer.end()
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == Croissant(try facts(shards: shards)).json())
    }

    @Test("the card tells counts, origin, loading and what to mind", arguments: [nil, "only a test"])
    func card(notice: String?) throws {
        let card = DatasetCard(try facts(notice: notice, rejections: [.timeout: 3])).markdown()
        for part in [
            "7 images with captions, from 10 rows", "| `timeout` | 3 |", "pipe:zstd -dcq shards/demo-000000.tar.zst",
            "tar --zstd", "pyarrow", "licence", "| captioner | blip, `b` |",
        ] { #expect(card.contains(part), "\(part)") }
        #expect(card.contains("**Note.** only a test") == (notice != nil))
    }

    @Test("the card names the first and the last of many shards, and of a million too")
    func manyShards() throws {
        let digest = try digest("d")
        func range(_ names: String...) throws -> Bool {
            let shards = names.dropLast().map {
                DatasetFacts.Shard(name: $0, source: "a-b", samples: 1, byteCount: 1, digest: digest, table: nil)
            }
            let card = DatasetCard(try facts(shards: shards)).markdown()
            return card.contains("shards/\(names[names.count - 1]).tar.zst\"")
        }
        #expect(try range("a-b-000000", "a-b-000012", "a-b-{000000..000012}"))
        #expect(try range("a-b-000003", "a-b-1000002", "a-b-{{000003..999999},{1000000..1000002}}"))
        #expect(try range("a-b-1000000", "a-b-1000000"))
    }

    @Test("the card keeps names from the web in their cells", arguments: nastyTexts)
    func nasty(text: String) throws {
        let plain = DatasetCard(try facts(name: "x")).markdown()
        let card = DatasetCard(try facts(name: text)).markdown()
        #expect(card.split(separator: "\n").count == plain.split(separator: "\n").count)
        #expect(!card.replacing("\\<", with: "").contains("<"))
    }
}
