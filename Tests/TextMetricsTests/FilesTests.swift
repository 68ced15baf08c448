import Foundation
import TestSupport
import Testing

@testable import TextMetrics

@Suite("Files of references and predictions") struct FilesTests {
    private let folder: String

    init() throws { folder = try Project.temporaryFolder("metrics") }

    private func file(_ text: String, _ name: String = UUID().uuidString) throws -> String {
        let path = folder + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func references(_ text: String, split: String = "test") throws -> [[String]] {
        try CaptionReferences(file(text), split: split).images.map { [$0.id] + $0.captions }
    }

    @Test("of captions are read as COCO, NoCaps, Karpathy, LAVIS and Flickr30K distribute them")
    func captionForms() throws {
        let coco = """
            {"info": {"a": [1, "]}"]}, "images": [{"id": 9, "file_name": "x.jpg"}, {"id": 8, "domain": "in-domain"}],
             "annotations": [{"image_id": 9, "id": 1, "caption": "a dog"}, {"image_id": 8, "id": 2, "caption": "\\u00e9 \\"q\\""},
                             {"image_id": 9, "id": 3, "caption": "one dog"}], "licenses": []}
            """
        #expect(try references(coco) == [["9", "a dog", "one dog"], ["8", "é \"q\""]])
        let domains = try CaptionReferences(file(coco)).images.map(\.domain)
        #expect(domains == [nil, "in-domain"])
        let karpathy = """
            {"images": [{"split": "test", "cocoid": 5, "filename": "COCO_5.jpg", "sentences": [{"raw": "x"}, {"raw": "y"}]},
             {"split": "val", "filename": "7.jpg", "sentences": [{"raw": "z"}]}], "dataset": "coco"}
            """
        #expect(try references(karpathy) == [["5", "x", "y"]] && references(karpathy, split: "val") == [["7", "z"]])
        let lavis = """
            [{"image": "val2014/COCO_val2014_000000391895.jpg", "caption": ["a", "b"]}, {"image": "flickr/1000.jpg", "caption": "c"}]
            """
        #expect(try references(lavis) == [["391895", "a", "b"], ["1000", "c"]])
        let token = "1000.jpg#0\tTwo dogs , one red .\r\n1000.jpg#1\tDogs\n2000.jpg#0\tA\tcat\n"
        #expect(try references(token) == [["1000", "Two dogs , one red .", "Dogs"], ["2000", "A\tcat"]])
    }

    @Test("are counted: expected, answered, missing, doubled, unexpected")
    func tally() throws {
        let predictions = try Predictions(
            file(
                """
                [{"image_id": 1, "caption": "a"}, {"image_id": "2.jpg", "caption": "b"}, {"image_id": 1, "caption": "c"},
                 {"image_id": 7, "caption": "d"}, {"image_id": 7, "caption": "d"}]
                """), .captions)
        let tally = predictions.tally(["1", "2", "3"])
        let counts: [Int] = [tally.expected, tally.answered, tally.missing, tally.doubled, tally.unexpected]
        #expect(counts == [3, 2, 1, 1, 1])
        #expect(
            tally.examples.missing == ["3"] && tally.examples.doubled == ["1"] && tally.examples.unexpected == ["7"])
        #expect(!tally.isComplete && predictions.text(of: "1") == "a" && predictions.text(of: "2") == "b")
        let empty = try Predictions(file(" [ ] "), .captions).tally(["1"])
        #expect(empty.missing == 1 && empty.answered == 0)
    }

    @Test("a missing caption is scored as an empty one, a doubled one by its first")
    func evaluation() throws {
        let references = try CaptionReferences(
            file(
                """
                {"annotations": [{"image_id": 1, "caption": "a red dog"}, {"image_id": 2, "caption": "a blue cat"},
                 {"image_id": 3, "caption": "two birds"}], "images": [{"id": 1, "domain": "near-domain"}]}
                """))
        let made = CaptionEvaluation(
            references,
            try Predictions(
                file(
                    """
                    [{"image_id": 2, "caption": "a blue cat"}, {"image_id": 2, "caption": "x"}, {"image_id": 1, "caption": "a dog"}]
                    """), .captions))
        var scorer = CaptionScorer()
        for (caption, reference) in [("a dog", "a red dog"), ("a blue cat", "a blue cat"), ("", "two birds")] {
            scorer.add(caption, references: [reference])
        }
        #expect(made.scores == scorer.scores().all && made.tally.missing == 1 && made.tally.doubled == 1)
        #expect(made.images.map(\.caption) == ["a dog", "a blue cat", nil])
        #expect(made.byDomain.keys.sorted() == ["near-domain"] && made.byDomain["near-domain"]?.images == 1)
        let json = String(decoding: try JSONEncoder().encode(made), as: UTF8.self)
        for key in ["expected", "missing", "bleu_4", "rouge_l", "cider_d", "by_domain"] {
            #expect(json.contains("\"\(key)\""))
        }
    }

    private static let question = #"{"questions": [{"question_id": 10, "image_id": 1, "question": "is it red?"}]}"#
    private static let annotation = """
        {"annotations": [{"question_id": 10, "image_id": 1, "question_type": "is it", "answer_type": "yes/no",
         "answers": [{"answer": "yes", "answer_confidence": "yes", "answer_id": 1}, {"answer": "no", "answer_id": 2}]}]}
        """

    @Test("of questions are read as VQAv2, OK-VQA and GQA distribute them")
    func questionForms() throws {
        let vqa = try Questions(vqa: file(Self.question), annotations: file(Self.annotation))
        #expect(vqa.kind == .vqa && vqa.questions.map(\.answers) == [["yes", "no"]])
        #expect(vqa.questions[0].text == "is it red?" && vqa.questions[0].answerType == "yes/no")
        let gqa = try Questions(
            gqa: file(
                """
                {"201": {"imageId": "n1", "question": "Is it?", "answer": "yes", "types": {"structural": "verify", "semantic": "attr"}},
                 "202": {"imageId": "n2", "question": "What?", "answer": "dog"}}
                """))
        #expect(
            gqa.kind == .gqa && gqa.questions.map(\.id) == ["201", "202"] && gqa.questions[0].answerType == "verify")
        let predictions = try Predictions(file(#"[{"questionId": "201", "prediction": "Yes."}]"#), .answers)
        let scores = AnswerScores(.gqa, gqa.questions, predictions)
        #expect(scores.all.accuracy == 0.5 && scores.byAnswerType["verify"]?.accuracy == 1)
        #expect(predictions.tally(gqa.questions.map(\.id)).missing == 1)
    }

    @Test(
        "that are malformed give one line that says where",
        arguments: [
            ("", "malformed: the file is empty"), ("{}", "malformed: want annotations, or images with sentences"),
            ("{\"annotations\": 3}", "malformed: line 1: annotations: want a list"),
            ("{\"annotations\": [\n{\"image_id\": 1}]}", "malformed: line 2: caption is missing"),
            ("{\"annotations\": [{\"image_id\": 1, \"caption\": 3}]}", "malformed: line 1: caption: want a text"),
            ("{\"annotations\": [{\"image_id\": [], \"caption\": \"\"}]}", "malformed: line 1: image_id: want a text"),
            (
                "{\"annotations\": [{\"image_id\": 1,\n\"caption\": \"a\"",
                "malformed: line 2: the file ends inside an item"
            ),
            ("{\"annotations\": [{\"image_id\": 1 \"caption\"}]}", "malformed: line 1: not valid JSON"),
            ("{\"annotations\": []}", "empty: no image has a caption"), ("[3]", "malformed: line 1: "),
            ("[{\"image\": \"x.jpg\"}]", "malformed: line 1: caption is missing"),
            ("{\"images\": [{\"split\": \"val\", \"sentences\": []}]}", "empty: no split test, only val"),
            ("{\"images\": [{\"split\": \"test\", \"sentences\": []}]}", "malformed: line 1: want cocoid or filename"),
            ("x.jpg#0\ta\nx.jpg b\n", "malformed: line 2: want JSON, or lines of FILE#NUMBER"),
        ])
    func malformed(_ text: String, _ message: String) throws {
        let path = try file(text)
        let error = #expect(throws: MetricsError.self) { try CaptionReferences(path) }
        #expect(error?.description.hasPrefix("\(path): \(message)") == true, "\(error?.description ?? "")")
    }

    @Test("of questions and predictions that do not belong together are refused")
    func mismatch() throws {
        let other = Self.annotation.replacing("\"question_id\": 10", with: "\"question_id\": 11")
        let error = #expect(throws: MetricsError.self) {
            try Questions(vqa: file(Self.question), annotations: file(other))
        }
        #expect(error?.detail.hasPrefix("line 1: question 11 is not in") == true)
        let two = Self.question.replacing("]}", with: ", {\"question_id\": 12, \"question\": \"?\"}]}")
        let unanswered = #expect(throws: MetricsError.self) {
            try Questions(vqa: file(two), annotations: file(Self.annotation))
        }
        #expect(unanswered?.detail.contains("1 questions have no annotation") == true)
        let alone = #expect(throws: MetricsError.self) { try Questions(gqa: file(Self.question)) }
        #expect(alone?.code == .mismatch && alone?.detail.contains("annotations") == true)
        for (text, message) in [
            ("{}", "want a list of question_id and answer"), ("[{\"question_id\": 1}]", "line 1: answer is missing"),
        ] {
            let error = #expect(throws: MetricsError.self) { try Predictions(file(text), .answers) }
            #expect(error?.detail.hasPrefix(message) == true)
        }
        let missing = #expect(throws: MetricsError.self) { try CaptionReferences(folder + "/none") }
        #expect(missing?.code == .unreadable)
    }
}
