import Foundation
import TestSupport
import Testing

/// The models that the quickstart uses.
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

    @Test("are read by transformers, which agrees within 1e-4")
    func agreement() throws {
        let site = try TrainingSite()
        try withExtendedLifetime(site) {
            try expectAgreement(captioner: captioner, ranker: ranker, site.image())
        }
    }
}
