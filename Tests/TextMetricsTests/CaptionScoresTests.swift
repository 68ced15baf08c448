import Foundation
import TestSupport
import Testing

@testable import TextMetrics

@Suite("Scores of captions") struct CaptionScoresTests {
    struct GoldenSet: Decodable, CustomTestStringConvertible {
        struct Image: Decodable {
            let caption: String
            let references: [String]
        }

        let name: String
        let images: [Image]
        let bleu: [Double]
        let rouge: Double
        let cider: Double
        let each: [Double]

        private enum CodingKeys: String, CodingKey {
            case name, images, bleu, each
            case rouge = "rouge_l"
            case cider = "cider_d"
        }

        var testDescription: String { name }
    }

    private static func sets() throws -> [GoldenSet] { try captionGolden("sets.json") }

    @Test("are those of pycocoevalcap")
    func golden() throws {
        let sets = try Self.sets()
        #expect(sets.map(\.name) == ["odd", "two images", "repeated", "empty", "plain"])
        for set in sets {
            var scorer = CaptionScorer()
            for image in set.images { scorer.add(image.caption, references: image.references) }
            let (all, each) = scorer.scores()
            for (made, wanted) in zip(all.bleu, set.bleu) { #expect(abs(made - wanted) < 1e-6, "\(set.name)") }
            #expect(abs(all.rougeL - set.rouge) < 1e-6, "\(set.name)")
            #expect(abs(try #require(all.ciderD) - set.cider) < 1e-6, "\(set.name)")
            for (made, wanted) in zip(each, set.each) { #expect(abs(made - wanted) < 1e-6, "\(set.name)") }
        }
    }

    @Test("of a single image are without CIDEr-D, which is not defined there")
    func singleImage() throws {
        var scorer = CaptionScorer()
        scorer.add("a red dog on a mat", references: ["a red dog on a mat"])
        let scores = scorer.scores().all
        #expect(scores.ciderD == nil && abs(scores.bleu[3] - 1) < 1e-6 && abs(scores.rougeL - 1) < 1e-9)
        let json = String(decoding: try JSONEncoder().encode(scores), as: UTF8.self)
        #expect(json.contains("\"cider_d\":null"))
    }

    @Test("do not change when a caption has a line separator, and captions behind it keep their images")
    func lineSeparator() {
        func scores(_ separator: String) -> CaptionScores {
            var scorer = CaptionScorer()
            scorer.add("a red\(separator)dog", references: ["a red dog\(separator)runs", "one dog"])
            scorer.add("two blue cats", references: ["two blue cats sit", "cats"])
            return scorer.scores().all
        }
        for separator in ["\n", "\u{2028}", "\u{85}", "\r\n"] { #expect(scores(separator) == scores(" ")) }
    }

    @Test("tell words apart that are canonically equivalent, as the reference does")
    func equivalentWords() {
        var scorer = CaptionScorer()
        scorer.add("caf\u{e9}", references: ["cafe\u{301}"])
        #expect(scorer.scores().all.rougeL == 0)
    }
}

@Suite("Scores of answers") struct AnswerScoresTests {
    private struct Row: Decodable {
        let given: String
        let answers: [String]
        let lavis: Double
        let vqa: Double
        let gqa: Double
    }

    @Test("are those of both official scorers, and of LAVIS's for GQA")
    func golden() throws {
        let rows: [Row] = try captionGolden("answers.json")
        #expect(rows.count > 700)
        for row in rows {
            #expect(
                abs(AnswerScorer.lavis.score(row.given, row.answers) - row.lavis) < 1e-6, "\(row.given) \(row.answers)")
            #expect(abs(AnswerScorer.vqa.score(row.given, row.answers) - row.vqa) < 1e-6, "\(row.given) \(row.answers)")
            #expect(AnswerScorer.gqa.score(row.given, [row.answers[0]]) == row.gqa, "\(row.given) \(row.answers[0])")
        }
    }

    @Test("differ between the scorers where it is known that they do")
    func disagreement() {
        func both(_ given: String, _ answers: [String]) -> [Double] {
            [AnswerScorer.lavis, .vqa].map { ($0.score(given, answers) * 1000).rounded() / 1000 }
        }
        #expect(both("Yes.", Array(repeating: "yes", count: 10)) == [1, 0])
        #expect(both("none", Array(repeating: "none", count: 10)) == [0, 1])
        #expect(both("two", ["2", "2"] + Array(repeating: "two", count: 8)) == [0.6, 1])
        let shares = (0...4).map { count in
            both("red", Array(repeating: "red", count: count) + Array(repeating: "blue", count: 10 - count))
        }
        #expect(shares == [[0, 0], [0.3, 0.3], [0.6, 0.6], [0.9, 0.9], [1, 1]])
    }

    @Test("of GQA's own script are 1 for the same text alone")
    func exact() {
        #expect(AnswerScorer.exact.score("yes", ["yes"]) == 1 && AnswerScorer.exact.score("Yes", ["yes"]) == 0)
    }
}
