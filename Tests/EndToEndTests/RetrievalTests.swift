import Foundation
import TestSupport
import Testing

@Suite("A phase-1 model, by command") struct RetrievalTests {
    private struct Ranked: Decodable {
        struct Caption: Decodable {
            let text: String
            let score: Double
            let itc: Double
            let itm: Double
        }
        let captions: [Caption]
    }

    private func evaluate(_ site: Site, _ model: String, _ data: String, _ options: [String]) throws -> Program.Ended {
        try Program.run(
            Site.blip2, ["eval", "retrieval", "--model", site.folder + model, "--data", site.folder + data] + options)
    }

    @Test("is evaluated on a data set, the same with any number of threads and whatever is held; it judges captions")
    func commands() throws {
        let site = try Site(count: 20)
        try site.makeCheckpoints(["phase1", "ranker"])
        let manifest = try site.manifest(
            "m", captions: "original", unitRows: 5, extra: "fetch: {allow_private_addresses: true}")
        let built = try site.build(manifest, to: "data")
        try #require(built.status == 0, "\(built.errors)")
        let one = try evaluate(site, "/phase1", "/data", ["--json", "--threads", "1", "--precision", "float32"])
        try #require(one.status == 0, "\(one.errors)")
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [String: Any])
        #expect(
            fields.keys.sorted() == ["candidates", "captions", "images", "itc", "itm", "matched_pairs"], "\(one.output)"
        )
        let itm = try #require((fields["itm"] as? [String: Any])?["text_to_image"] as? [String: Any])
        #expect(itm.keys.sorted() == ["count", "recall_at_1", "recall_at_10", "recall_at_5"])
        #expect(one.errors.contains("encoding: "), "\(one.errors)")
        let two = try evaluate(
            site, "/phase1", "/data", ["--json", "--threads", "2", "--precision", "float32", "--hold", "0"])
        #expect(two.output == one.output)
        let table = try evaluate(site, "/phase1", "/data", ["--limit", "3", "--candidates", "2"])
        #expect(
            table.output.hasPrefix("3 images, ") && table.output.contains("ITC + ITM, text to image"), "\(table.output)"
        )

        let pictures = site.folder + "/pictures"
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        let names = try FileManager.default.contentsOfDirectory(atPath: site.folder + "/demo/images").filter {
            $0.hasSuffix(".jpg") || $0.hasSuffix(".png")
        }.sorted().prefix(3)
        for name in names {
            try FileManager.default.copyItem(
                atPath: site.folder + "/demo/images/" + name, toPath: pictures + "/" + name)
        }
        // Karpathy's form; an image of another split need not be there.
        let listed = names.map { #"{"filename": "\#($0)", "split": "test", "sentences": [{"raw": "about \#($0)"}]}"# }
        let lost = #"{"filename": "lost.jpg", "split": "val", "sentences": [{"raw": "lost"}]}"#
        let references = site.folder + "/references.json"
        try #"{"images": [\#((listed + [lost]).joined(separator: ","))]}"#
            .write(toFile: references, atomically: true, encoding: .utf8)
        func files(_ options: String...) throws -> Program.Ended {
            try Program.run(Site.blip2, ["eval", "retrieval", "--model", site.folder + "/phase1"] + options)
        }
        let shown = try files("--images", pictures, "--references", references)
        #expect(shown.status == 0 && shown.output.hasPrefix("3 images, 3 captions;"), "\(shown.errors)")
        let missing = try files("--images", pictures, "--references", references, "--split", "val")
        #expect(missing.status == 65 && missing.errors.contains("1 of 1 images not found"), "\(missing.errors)")
        for (options, part) in [
            (["--images", pictures], "--images: give --references"), ([], "either --data or --images"),
            (["--data", "d", "--references", references], "--references: only with --images"),
            (["--data", "d", "--split", "val"], "--split: only with --references"),
            (["--images", pictures, "--references", references, "--captions", "best"], "--captions: only with --data"),
        ] {
            let ended = try Program.run(
                Site.blip2, ["eval", "retrieval", "--model", site.folder + "/phase1"] + options)
            #expect(ended.status == 64 && ended.errors.contains(part), "\(ended.errors)")
        }

        for (model, data, part) in [
            ("/ranker", "/data", "a model of type blip-2 is needed"), ("/phase1", "/none", "not an output"),
        ] {
            let ended = try evaluate(site, model, data, [])
            #expect(ended.status == 65 && ended.errors.contains(part), "\(ended.errors)")
        }

        let images = try FileManager.default.subpathsOfDirectory(atPath: site.folder + "/demo").filter {
            $0.hasSuffix(".jpg") || $0.hasSuffix(".png")
        }
        let image = site.folder + "/demo/" + (try #require(images.min()))
        for (score, value) in [("itc", \Ranked.Caption.itc), ("itm", \.itm)] {
            let ended = try Program.run(
                Site.blip2,
                ["rank", image, "--model", site.folder + "/phase1", "--json", "--score", score] + [
                    "--caption", "a red circle", "--caption", "grass",
                ])
            try #require(ended.status == 0, "\(ended.errors)")
            let ranked = try JSONDecoder().decode(Ranked.self, from: Data(ended.output.utf8))
            #expect(ranked.captions.map(\.text) == ["a red circle", "grass"])
            for caption in ranked.captions { #expect(caption.score == caption[keyPath: value]) }
        }
    }
}
