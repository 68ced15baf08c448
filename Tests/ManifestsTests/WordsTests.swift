import Foundation
import Manifests
import Testing

@Suite("What a manifest says, written out") struct WordsTests {
    @Test("settings have the manifest's own words")
    func words() throws {
        let yaml = """
            version: 1
            name: words
            fetch: {allow_private_addresses: true}
            sources:
              - {name: a, format: csv, path: [x.csv, y.csv], url_column: link, similarity_column: sim, delimiter: "\t",
                 image_root: images, follow_links: true, rewrite: [{prefix: a, replacement: b}], filter: {min_similarity: 0.25}}
            """
        let settings = try Manifest(yaml: yaml).settings()
        for (key, value) in [
            "fetch.allow_private_addresses": "true", "fetch.honour_opt_out": "true", "fetch.max_bytes": "52428800",
            "image.max_aspect_ratio": "0", "caption.top_p": "0.9", "shard.zstd_level": "3",
            "sources[0].path[1]": "y.csv", "sources[0].url_column": "link", "sources[0].similarity_column": "sim",
            "sources[0].delimiter": "\t", "sources[0].image_root[0]": "images", "sources[0].follow_links": "true",
            "sources[0].rewrite[0].prefix": "a", "sources[0].filter.min_similarity": "0.25",
        ] {
            #expect(settings[key] == value, "\(key)")
        }
        #expect(!settings.keys.contains { $0.contains(where: \.isUppercase) }, "\(settings.keys.sorted())")
        #expect(settings["output"] == nil && settings["fetch.timeout"] == nil)
    }

    @Test("written out with every default it is the same manifest", arguments: Source.Format.allCases)
    func yaml(_ format: Source.Format) throws {
        let hasColumns = [.csv, .parquet, .jsonl].contains(format)
        let yaml = """
            version: 1
            name: out
            seed: 12
            exclude: {urls: [a.txt], images: []}
            deduplicate: {perceptual: 2}
            caption: {prompt: "yes: \\"no\\" # 1.0", top_p: 1}
            sources:
              - {name: b, format: \(format.rawValue), path: "~/a b.x", captions: original\(hasColumns ? ", id_column: '7'" : "")}
              - {name: c, format: sbu, path: [a, b], rewrite: [], filter: {min_caption_length: 3}}
              - {name: d, format: laion, path: x.parquet, filter: {nsfw: ["true", "1"], min_similarity: 0.25}}
            """
        let manifest = try Manifest(yaml: yaml)
        let text = manifest.yaml()
        #expect(try Manifest(yaml: text) == manifest, "\(text)")
        #expect(text.contains("\n  zstd_level: 3\n") && text.hasPrefix("version: 1\nname: \"out\"\n"), "\(text)")
    }

    @Test("a score that is named is part of what is built, and none is as before there were several")
    func score() throws {
        func manifest(_ rank: String) throws -> Manifest {
            try Manifest(
                yaml: "version: 1\nname: s\nrank: {\(rank)}\nsources: [{name: web, format: csv, path: list.csv}]")
        }
        let (none, sum, itm) = (try manifest(""), try manifest("score: sum"), try manifest("score: itm"))
        #expect(none.settings()["rank.score"] == nil && sum.settings()["rank.score"] == "sum")
        #expect(none.digest() != sum.digest() && sum.digest() != itm.digest())
        #expect(try Manifest(yaml: sum.yaml()) == sum)
    }

    @Test("a path that begins with ~ begins in the home folder")
    func home() throws {
        let home = try #require(ProcessInfo.processInfo.environment["HOME"])
        let yaml = "version: 1\nname: demo\nsources: [{name: web, format: csv, path: ~/list.csv}]"
        #expect(try Manifest(yaml: yaml).resolved(besideFile: "/m.yaml").sources[0].paths == [home + "/list.csv"])
        #expect(expandingHome("~") == home && expandingHome("~x/y") == "~x/y" && expandingHome("a/~") == "a/~")
    }
}
