import Foundation
import TestSupport
import Testing

@Suite("blip2, on checkpoints that transformers wrote") struct ParityTests {
    private struct Expected: Decodable {
        struct Caption: Decodable {
            let tokens: [Int]
            let logprob: Double
            let text: String
        }
        let caption: Caption
        let texts: [String]
        let scores: [Double]
    }
    private struct Captioned: Decodable {
        let captions: [Expected.Caption]
    }
    private struct Ranked: Decodable {
        struct Caption: Decodable {
            let text: String
            let score: Double
        }
        let captions: [Caption]
    }

    @Test("captions and ranks an image file as transformers does: ids exact, cosine within 1e-5")
    func parity() throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Python.run(file: Project.root + "/Tests/EndToEndTests/parity.py", [folder])
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json")))
        let image = folder + "/image.png"

        let captioned = try Program.run(
            Site.blip2,
            ["caption", image, "--model", folder + "/captioner", "--greedy", "--precision", "float32", "--json"])
        try #require(captioned.status == 0, "\(captioned.errors)")
        let caption = try #require(
            try JSONDecoder().decode(Captioned.self, from: Data(captioned.output.utf8)).captions.first)
        #expect(caption.tokens == expected.caption.tokens && caption.text == expected.caption.text)
        // 16 new tokens, each within 1e-4 of logits.
        #expect(abs(caption.logprob - expected.caption.logprob) < 16e-4)

        let arguments = ["rank", image, "--model", folder + "/ranker", "--precision", "float32", "--json"]
        let ranked = try Program.run(Site.blip2, arguments + expected.texts.flatMap { ["--caption", $0] })
        try #require(ranked.status == 0, "\(ranked.errors)")
        let captions = try JSONDecoder().decode(Ranked.self, from: Data(ranked.output.utf8)).captions
        #expect(captions.map(\.text) == expected.texts)
        for (caption, score) in zip(captions, expected.scores) { #expect(abs(caption.score - score) < 1e-5) }
    }

    @Test("draws the same captions for the same seed and key, and others for another seed")
    func sampling() throws {
        let site = try Site(count: 3)
        try site.makeCheckpoints()
        let image = site.folder + "/demo/images/000002.jpg"
        func captions(_ more: String...) throws -> String {
            let model = ["caption", image, "--model", site.folder + "/captioner", "--count", "4"]
            return try Program.run(Site.blip2, model + more).output
        }
        let first = try captions("--seed", "1", "--key", "k")
        #expect(first.split(separator: "\n").count == 4)
        #expect(try captions("--seed", "1", "--key", "k", "--threads", "3") == first)
        #expect(try captions("--seed", "2", "--key", "k") != first)
        #expect(try captions("--seed", "1", "--key", "l") != first)
    }
}
