import Foundation
import TestSupport
import Testing

@Suite("Captions and answers, by command") struct ScoringTests {
    private let folder: String

    init() throws { folder = try Project.temporaryFolder("scoring") }

    private func write(_ text: String, _ name: String) throws -> String {
        let path = folder + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("captions are scored from files, as a table and as JSON; what is missing is named and makes the exit code 1")
    func captions() throws {
        let references = try write(
            """
            {"images": [], "annotations": [{"image_id": 1, "caption": "A red dog runs."}, {"image_id": 2, "caption": "Two cats."},
             {"image_id": 1, "caption": "the dog is red"}]}
            """, "references.json")
        let whole = try write(
            #"[{"image_id": 1, "caption": "a red dog runs"}, {"image_id": 2, "caption": "two cats"}]"#, "whole.json")
        func score(_ predictions: String, _ options: [String] = []) throws -> Program.Ended {
            try Program.run(
                Site.blip2,
                ["eval", "captioning", "--predictions", predictions, "--references", references] + options)
        }
        let json = try score(whole, ["--json"])
        #expect(json.status == 0, "\(json.errors)")
        let fields = try object(json.output)
        #expect(fields["expected"] as? Int == 2 && fields["missing"] as? Int == 0)
        #expect(abs((fields["bleu_1"] as? Double ?? 0) - 1) < 1e-6 && fields["cider_d"] is Double)
        let table = try score(whole)
        #expect(table.output.contains("2 images expected, 2 answered, 0 missing, 0 doubled, 0 unexpected"))
        #expect(table.output.contains("CIDEr-D") && table.output.contains("100.00"))
        let part = try score(
            write(#"[{"image_id": 1, "caption": "a dog"}, {"image_id": 9, "caption": "x"}]"#, "part.json"))
        #expect(part.status == 1 && part.output.contains("1 missing, 0 doubled, 1 unexpected"))
        #expect(part.errors.contains("1 image without a prediction (2); 1 image not among the references (9)"))
        let wrong = try score(write("[{\"image_id\": 1}]", "wrong.json"))
        #expect(wrong.status == 65 && wrong.errors.contains("wrong.json: malformed: line 1: caption is missing"))
    }

    @Test(
        "METEOR stands in table and JSON where its program is named, and a fault of that is one line with its exit code"
    )
    func meteor() throws {
        let references = try write(
            #"{"images": [], "annotations": [{"image_id": 1, "caption": "a dog"}, {"image_id": 2, "caption": "a cat"}]}"#,
            "references.json")
        let captions = try write(
            #"[{"image_id": 1, "caption": "a dog"}, {"image_id": 2, "caption": "a cat"}]"#, "captions.json")
        try FileManager.default.createDirectory(atPath: folder + "/data", withIntermediateDirectories: true)
        let jar = try write("", "meteor-1.5.jar")
        _ = try write("", "data/paraphrase-en.gz")
        _ = try write("answers", "plan")
        let java = folder + "/java"
        try FileManager.default.copyItem(atPath: Project.root + "/Tests/Support/fake_meteor.py", toPath: java)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: java)
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        func score(_ options: [String], path: String) throws -> Program.Ended {
            try Program.run(
                Site.blip2,
                ["eval", "captioning", "--predictions", captions, "--references", references] + options,
                environment: ["PATH": path])
        }
        func fault(_ jar: String, path: String) throws -> Int32 {
            let ended = try score(["--meteor", jar], path: path)
            #expect(ended.errors.hasPrefix("error: ") && ended.errors.count { $0 == "\n" } == 1, "\(ended.errors)")
            #expect(ended.output.isEmpty)
            return ended.status
        }
        let own = folder + ":" + path
        let table = try score(["--meteor", jar], path: own)
        #expect(table.status == 0 && table.output.contains("BLEU-4  METEOR  ROUGE-L"), "\(table.output)\(table.errors)")
        #expect(table.output.contains("  33.33  "), "\(table.output)")
        let with = try object(score(["--meteor", jar, "--json"], path: own).output)
        #expect(with["meteor"] as? Double == 0.3333)
        let plain = try score(["--json"], path: own)
        #expect(try object(plain.output)["meteor"] == nil)
        #expect(try fault(folder + "/other.jar", path: own) == 65)
        #expect(try fault(jar, path: "/nowhere") == 69)
        for (plan, code) in [("dies in the middle", 69), ("hangs up", 69), ("says nonsense", 65)] as [(String, Int32)] {
            _ = try write(plan, "plan")
            #expect(try fault(jar, path: own) == code, "\(plan)")
        }
        unlink(folder + "/data/paraphrase-en.gz")
        #expect(try fault(jar, path: own) == 65)
    }

    @Test("answers are scored by the scorer that is named, by kind of answer")
    func answers() throws {
        let questions = try write(
            #"{"questions": [{"question_id": 1, "image_id": 1, "question": "?"}, {"question_id": 2, "image_id": 1, "question": "?"}]}"#,
            "questions.json")
        let yes = Array(repeating: #"{"answer": "yes", "answer_id": 1}"#, count: 10).joined(separator: ",")
        let annotations = try write(
            """
            {"annotations": [{"question_id": 1, "image_id": 1, "answer_type": "yes/no", "question_type": "is there", "answers": [\(yes)]},
             {"question_id": 2, "image_id": 1, "answer_type": "other", "answers": [\(yes.replacing("yes", with: "red"))]}]}
            """, "annotations.json")
        let predictions = try write(
            #"[{"question_id": 1, "answer": "Yes."}, {"question_id": 2, "answer": "blue"}]"#, "answers.json")
        func score(_ options: [String]) throws -> Program.Ended {
            try Program.run(
                Site.blip2,
                [
                    "eval", "vqa", "--predictions", predictions, "--questions", questions, "--annotations", annotations,
                ] + options)
        }
        let table = try score([])
        #expect(table.status == 0 && table.output.contains("scorer: lavis"), "\(table.errors)")
        #expect(table.output.contains("yes/no") && table.output.contains("50.00 %"))
        let fields = try object(score(["--json", "--scorer", "vqa"]).output)
        #expect(fields["scorer"] as? String == "vqa" && fields["accuracy"] as? Double == 0)
        let kinds = try #require(fields["by_answer_type"] as? [String: Any])
        #expect(kinds.keys.sorted() == ["other", "yes/no"])
        let picture = Project.root + "/Tests/Goldens/images/rgb.png"
        try FileManager.default.createDirectory(atPath: folder + "/images", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: picture, toPath: folder + "/images/COCO_val2014_000000000001.png")
        let page = folder + "/page.html"
        let shown = try score(["--report", page, "--images", folder + "/images"])
        #expect(shown.status == 0, "\(shown.errors)")
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.contains("is there"), "the kinds of questions are few")
        #expect(html.contains("scorer: lavis") && html.contains("yes (10)") && html.contains("data:image/png;base64,"))
        #expect(!html.contains("<script"))
        let unknown = try score(["--scorer", "mine"])
        #expect(unknown.status == 64)
    }
}
