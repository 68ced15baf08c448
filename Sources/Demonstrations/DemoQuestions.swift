import Foundation

/// The questions about a data set's images, in the form in which VQAv2 distributes its own.
///
/// An image's id is the number of its row, which the lists' column `id` names.
struct DemoQuestions {
    private let dataset: DemoDataset
    private static let annotators = 10

    init(_ dataset: DemoDataset) { self.dataset = dataset }

    /// `questions.json`: `question_id`, `image_id` and `question`.
    func questions() throws -> Data {
        try encoded(
            QuestionFile(questions: asked.map { Asked(question_id: $0.id, image_id: $0.row, question: $0.asked.text) }))
    }

    /// `annotations.json`: the answers of ten annotators, who agree; `question_type` is the kind of question.
    func annotations() throws -> Data {
        try encoded(
            AnnotationFile(
                annotations: asked.map { id, row, asked in
                    Annotation(
                        question_id: id, image_id: row, question_type: asked.kind.rawValue,
                        answer_type: asked.answerType, multiple_choice_answer: asked.answer,
                        answers: (1...Self.annotators).map { Answer(answer: asked.answer, answer_id: $0) })
                }))
    }

    /// The questions about images that can be had.
    private var asked: [(id: Int, row: Int, asked: SceneQuestion)] {
        (0..<dataset.count).flatMap { row in
            dataset.questions(row).enumerated().map { (row * 10 + $0, row, $1) }
        }
    }

    private func encoded(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Asked: Encodable {
        let question_id: Int
        let image_id: Int
        let question: String
    }

    private struct QuestionFile: Encodable { let questions: [Asked] }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Answer: Encodable {
        let answer: String
        let answer_id: Int
        var answer_confidence = "yes"
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Annotation: Encodable {
        let question_id: Int
        let image_id: Int
        let question_type: String
        let answer_type: String
        let multiple_choice_answer: String
        let answers: [Answer]
    }

    private struct AnnotationFile: Encodable { let annotations: [Annotation] }
}

extension DemoDataset {
    /// The questions about the scene of row `index`; none where its image cannot be had.
    package func questions(_ index: Int) -> [SceneQuestion] {
        guard isClean || row(index).oddity?.rejection == nil else { return [] }
        var random = DemoRandom(seed: seed ^ 0x6173_6B65, stream: UInt64(index))
        return scene(index).questions(using: &random)
    }

    /// Questions and answers about the scene of row `index` as lines of text to learn from, five of them.
    func lessons(_ index: Int) -> [String] {
        var random = DemoRandom(seed: seed ^ 0x6C65_7373, stream: UInt64(index))
        return scene(index).lessons(using: &random).map { $0.line(isShort: random.below(2) == 0) }
    }

    /// Lines of text about the scene of row `index`, for a language model: a caption; a description, another caption and all
    /// questions, whose answers can be read in it; of one scene in four a question and its answer alone.
    func text(_ index: Int) -> [String] {
        var random = DemoRandom(seed: seed ^ 0x7465_7874, stream: UInt64(index))
        let scene = scene(index)
        let captions = (0..<2).map { _ in Grammar.caption(of: scene, using: &random) }
        let questions = scene.allQuestions(using: &random).map { $0.line(isShort: random.below(2) == 0) }
        let lines = [captions[0], ([scene.wholeDescription, captions[1]] + questions).joined(separator: ". ")]
        return random.below(4) > 0 ? lines : lines + [random.pick(questions)]
    }

    /// Two lines about the scene of row `index` from which a language model learns to look up.
    ///
    /// A description and notes about its shapes, and the same with all questions behind them. Tabs stand around each answer,
    /// which alone is to be learned. An answer right behind the name of its shape is found by one layer less than one behind a
    /// question: models that have learned that learn the questions too (`docs/LOG.md`).
    func lookups(_ index: Int) -> [String] {
        var random = DemoRandom(seed: seed ^ 0x6C6F_6F6B, stream: UInt64(index))
        let scene = scene(index)
        let notes = scene.shapeQuestions(using: &random).compactMap { $0.note(around: "\t") }
        let questions = scene.allQuestions(using: &random).map { $0.line(isShort: random.below(2) == 0, around: "\t") }
        let first = [scene.wholeDescription, notes.joined(separator: ", ")]
        return [first, first + questions].map { String($0.joined(separator: ". ").dropLast()) }
    }
}
