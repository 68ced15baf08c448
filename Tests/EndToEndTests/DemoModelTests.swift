import Foundation
import TestSupport
import Testing

/// The models that the quickstarts use.
@Suite("The demonstration's models") struct DemoModelTests {
    private let captioner = Project.root + "/models/demo-captioner"
    private let ranker = Project.root + "/models/demo-ranker"

    @Test("describe scenes that they have never seen: captions are true far oftener than the web's")
    func quality() throws {
        let site = try Site(count: 120)
        let manifest = try site.manifest(
            "m", captions: "bootstrap", unitRows: 120,
            extra: "fetch: {allow_private_addresses: true}\ncaption: {model: \(captioner)}\nrank: {model: \(ranker)}")
        let built = try site.build(manifest, to: "out")
        try #require(built.status == 0, "\(built.errors)")
        struct Quality: Decodable {
            let images: Int
            let webTrue: Int
            let bestTrue: Int
            let allKeptTrue: Int
        }
        let judged = try Program.run(
            Site.pipeline, ["judge", site.folder + "/out", "--demo", site.folder + "/demo", "--json"])
        try #require(judged.status == 0, "\(judged.errors)")
        let quality = try JSONDecoder().decode(Quality.self, from: Data(judged.output.utf8))
        #expect(quality.images > 95)
        // Over some hundred images the shares of scripts/bench capfilt-quality are met within a few images.
        let shares = [quality.webTrue, quality.bestTrue, quality.allKeptTrue].map {
            Double($0) / Double(quality.images)
        }
        #expect((0.55..<0.78).contains(shares[0]), "\(quality)")
        #expect(shares[1] > 0.9, "\(quality)")
        #expect(shares[2] > 0.9, "\(quality)")
    }

    @Test("answer questions about scenes that they have never seen, and only when they see them")
    func answers() throws {
        let folder = try Project.temporaryFolder("asked")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try """
        version: 1
        name: asked
        image: {size: 96}
        sources:
          - {name: demo, format: csv, path: demo/list.csv, image_root: demo, captions: original, id_column: id}
        """.write(toFile: folder + "/asked.yaml", atomically: true, encoding: .utf8)
        for arguments in [
            ["demo", "--output", folder + "/demo", "--count", "120", "--seed", "12", "--clean", "--no-serve"],
            ["build", "--manifest", folder + "/asked.yaml", "--output", folder + "/data"],
        ] {
            let made = try Program.run(Site.pipeline, arguments)
            try #require(made.status == 0, "\(made.errors)")
        }
        func shares(shown: String) throws -> [String: Double] {
            let asked = try Program.run(
                Site.blip2,
                [
                    "eval", "vqa", "--model", Project.root + "/models/demo-blip2", "--data", folder + "/data",
                    "--questions", folder + "/demo/questions.json", "--annotations", folder + "/demo/annotations.json",
                    "--no-clean-questions", "--beams", "1", "--shown", shown, "--json",
                ])
            try #require(asked.status == 0, "\(asked.errors)")
            return try JSONDecoder().decode(Answers.self, from: Data(asked.output.utf8)).kinds.mapValues(\.accuracy)
        }
        let (seen, unseen) = try (shares(shown: "own"), shares(shown: "other"))
        // docs/stage2.md has the shares of 500 scenes; over 120 they are met within some points.
        for (kind, least, most) in [
            ("number", 0.85, 0.53), ("colour", 0.55, 0.35), ("place", 0.4, 0.3), ("presence", 0.7, 0.6),
        ] {
            #expect(try #require(seen[kind]) > least, "\(kind): \(seen)")
            #expect(try #require(unseen[kind]) < most, "\(kind): \(unseen)")
        }
    }

    private struct Answers: Decodable {
        struct Share: Decodable { let accuracy: Double }
        let kinds: [String: Share]
        private enum CodingKeys: String, CodingKey { case kinds = "by_question_type" }
    }

    @Test("are read by transformers, which agrees within 1e-4")
    func agreement() throws {
        let site = try TrainingSite()
        try withExtendedLifetime(site) {
            try expectAgreement(captioner: captioner, ranker: ranker, site.image())
        }
    }
}
