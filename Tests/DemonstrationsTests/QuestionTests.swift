import Foundation
import Testing

@testable import Demonstrations

@Suite("Questions about scenes")
struct QuestionTests {
    private let dataset = DemoDataset(seed: 11, count: 3000, isClean: true)

    private var asked: [(scene: Scene, question: SceneQuestion)] {
        (0..<dataset.count).flatMap { row in dataset.questions(row).map { (dataset.scene(row), $0) } }
    }

    /// The answer that the scene gives, found by the words of the question alone; nil where it has none or several.
    private func answer(_ question: String, _ scene: Scene) -> String? {
        let words = question.dropLast().split(separator: " ").map(String.init)
        let kind = words.last.flatMap(Scene.Kind.init(rawValue:))
        let named = scene.shapes.filter { $0.kind == kind }
        switch words[0] {
        case "how": return "\(scene.shapes.count)"
        case "is": return named.isEmpty ? "no" : "yes"
        case "what": return named.count == 1 ? named[0].colour.rawValue : nil
        default:
            guard named.count == 1 else { return nil }
            let words = [["top", "", "bottom"][named[0].row], ["left", "", "right"][named[0].column]]
            let place = words.filter { !$0.isEmpty }.joined(separator: " ")
            return place.isEmpty ? "middle" : place
        }
    }

    @Test("have exactly one true answer, which is theirs")
    func answers() {
        let asked = asked
        #expect(Set(asked.map(\.question.kind)) == Set(SceneQuestion.Kind.allCases))
        for (scene, question) in asked { #expect(answer(question.text, scene) == question.answer, "\(question)") }
    }

    @Test("are balanced: yes and no, and each number, colour and place about equally often")
    func balance() {
        for (kind, answers) in [
            (SceneQuestion.Kind.presence, 2), (.number, 3), (.colour, 9), (.place, 9),
        ] {
            let counts = Dictionary(grouping: asked.map(\.question).filter { $0.kind == kind }, by: \.answer)
                .mapValues(\.count)
            let even = Double(counts.values.reduce(0, +)) / Double(answers)
            #expect(counts.count == answers)
            for (answer, count) in counts { #expect(abs(Double(count) / even - 1) < 0.25, "\(answer): \(count)") }
        }
    }

    @Test("lessons are as many for every scene, and true")
    func lessons() throws {
        for row in 0..<500 {
            let lessons = dataset.lessons(row)
            #expect(lessons.count == 5 && Set(lessons).count == 5)
            for lesson in lessons {
                let parts = try #require(lesson.firstMatch(of: /^Question: (.+\?) (?:Short answer|Answer): (.+)$/))
                #expect(answer(String(parts.1), dataset.scene(row)) == String(parts.2))
            }
        }
    }

    @Test("the text for a language model is a caption, and a description that answers all questions behind it")
    func text() throws {
        var (alone, presences) = (0, ["yes": 0, "no": 0])
        for row in 0..<200 {
            let (lines, scene) = (dataset.text(row), dataset.scene(row))
            try #require(2...3 ~= lines.count)
            #expect(Grammar.isTrue(lines[0], of: scene))
            let parts = lines[1].split(separator: ". ").map(String.init)
            #expect(parts.prefix(2).allSatisfy { Grammar.isTrue($0, of: scene) })
            let asked = try parts.dropFirst(2).map { line in
                let parts = try #require(line.firstMatch(of: /^Question: (.+\?) (?:Short answer|Answer): (.+)$/))
                return (question: String(parts.1), answer: String(parts.2))
            }
            for (question, answer) in asked {
                #expect(self.answer(question, scene) == answer)
                if question.hasPrefix("is") { presences[answer, default: 0] += 1 }
            }
            let kinds = Dictionary(grouping: scene.shapes, by: \.kind)
            let single = kinds.count { $1.count == 1 }
            #expect(Set(asked.map(\.question)).count == asked.count)
            for (word, counts) in [
                ("how", 1...1), ("what", single...single), ("where", single...single), ("is", 1...kinds.count + 1),
            ] { #expect(counts.contains(asked.count { $0.question.hasPrefix(word) })) }
            alone += lines.count - 2
            #expect(lines.dropFirst(2).allSatisfy(parts.contains))
        }
        #expect(30...70 ~= alone)
        #expect(presences.values.allSatisfy { $0 > 200 }, "\(presences)")
    }

    @Test(
        "lookups are a description with notes, and the same with questions; each answer stands between tabs, and is true"
    )
    func lookups() throws {
        var kinds: [Substring: Int] = [:]
        for row in 0..<100 {
            let (lines, scene) = (dataset.lookups(row), dataset.scene(row))
            try #require(lines.count == 2 && lines[1].hasPrefix(lines[0] + "\t. Question: "))
            #expect(!lines[0].contains("Question") && !lines[1].hasSuffix("\t"))
            #expect(Grammar.isTrue(String(lines[0].prefix { $0 != "." }), of: scene))
            // Every second part is an answer to what ends the part before.
            let parts = lines[1].split(separator: "\t", omittingEmptySubsequences: false)
            try #require(parts.count % 2 == 0)
            for place in stride(from: 0, to: parts.count, by: 2) {
                let (given, said) = (parts[place], parts[place + 1])
                let note = given.firstMatch(of: /(there|colour|where) ([a-z]+)$/)
                let question = given.split(separator: "Question: ").last?.split(separator: "?").first.map { $0 + "?" }
                let asked: Substring
                if let note {
                    kinds[note.1, default: 0] += 1
                    asked =
                        note.1 == "there"
                        ? "is there a \(note.2)?" : note.1 == "colour" ? "what \(note.2)?" : "where \(note.2)?"
                } else {
                    asked = try #require(question)
                }
                #expect(
                    said.first == " " && answer(String(asked), scene) == String(said.dropFirst()), "\(given)\(said)")
            }
        }
        #expect(kinds["there"] == 500 && kinds["colour", default: 0] > 100 && kinds["where"] == kinds["colour"])
    }

    @Test("a clean data set's captions are written as COCO's, all true of their images")
    func references() throws {
        struct File: Decodable {
            struct Image: Decodable { let id: Int }
            struct Annotation: Decodable {
                let id: Int
                let image_id: Int
                let caption: String
            }
            let images: [Image]
            let annotations: [Annotation]
        }
        let small = DemoDataset(seed: 3, count: 40, isClean: true)
        let file = try JSONDecoder().decode(File.self, from: DemoReferences(small).captions())
        #expect(file.images.map(\.id) == Array(0..<40) && file.annotations.map(\.id) == Array(0..<200))
        for (place, made) in file.annotations.enumerated() {
            #expect(made.image_id == place / 5 && Grammar.isTrue(made.caption, of: small.scene(made.image_id)))
        }
    }

    @Test("are written as VQAv2's, with the rows' numbers as ids, of rows alone whose image can be had")
    func files() throws {
        struct Questions: Decodable {
            struct Question: Decodable {
                let question_id: Int
                let image_id: Int
                let question: String
            }
            let questions: [Question]
        }
        struct Annotations: Decodable {
            struct Annotation: Decodable {
                struct Answer: Decodable {
                    let answer: String
                    let answer_id: Int
                }
                let question_id: Int
                let image_id: Int
                let question_type: String
                let answer_type: String
                let multiple_choice_answer: String
                let answers: [Answer]
            }
            let annotations: [Annotation]
        }
        let small = DemoDataset(seed: 3, count: 60)
        let files = DemoQuestions(small)
        let questions = try JSONDecoder().decode(Questions.self, from: files.questions()).questions
        let annotations = try JSONDecoder().decode(Annotations.self, from: files.annotations()).annotations
        #expect(questions.map(\.question_id) == annotations.map(\.question_id))
        #expect(Set(questions.map(\.question_id)).count == questions.count)
        let usable = small.rows.filter { $0.oddity?.rejection == nil }.map(\.row)
        #expect(Set(questions.map(\.image_id)) == Set(usable))
        for (asked, annotated) in zip(questions, annotations) {
            #expect(asked.image_id == annotated.image_id && annotated.answers.map(\.answer_id) == Array(1...10))
            #expect(annotated.answers.allSatisfy { $0.answer == annotated.multiple_choice_answer })
            #expect(answer(asked.question, small.scene(asked.image_id)) == annotated.multiple_choice_answer)
            #expect(SceneQuestion.Kind(rawValue: annotated.question_type) != nil)
            #expect(["yes/no", "number", "other"].contains(annotated.answer_type))
        }
    }
}
