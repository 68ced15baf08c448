import ArgumentParser
import Commands
import Foundation
import Loading
import Manifests
import Reports
import TextMetrics

/// Scores answers to questions about images.
struct EvalVQACommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vqa",
        abstract: "Score answers to questions about images: VQAv2, OK-VQA and GQA.",
        discussion: """
            QUESTIONS and ANNOTATIONS are the files of VQAv2 or OK-VQA; GQA's questions have their answers in them and take \
            no --annotations. PREDICTIONS are a list of question_id and answer, or of questionId and prediction.

            The official scorers of VQA disagree, so the one that is used is named. --scorer lavis: LAVIS, and \
            GT-Vision-Lab/VQA as of c4e6a0e; the prediction is always normalised, people's answers lose marks where they \
            differ. --scorer vqa: GT-Vision-Lab/VQA as of a013f00; both are normalised where people's answers differ, neither \
            where they agree. --scorer gqa: the normalised prediction equals the answer, as in LAVIS. --scorer exact: they \
            are equal as they are, as in GQA's own script.

            Words are not lemmatised; papers that do so for OK-VQA report some five points more. A missing answer is a wrong \
            one, of several the first counts, and answers to other questions are left out; where there are any of these, the \
            exit code is 1.

            EXAMPLE:
              blip2 eval vqa --predictions answers.json --questions v2_OpenEnded_mscoco_val2014_questions.json \\
                --annotations v2_mscoco_val2014_annotations.json
              blip2 eval vqa --model out/stage2 --images val2014 --questions v2_OpenEnded_mscoco_val2014_questions.json \\
                --annotations v2_mscoco_val2014_annotations.json --output answers.json
            """)

    @Option(help: ArgumentHelp("The answers that a model gave.", valueName: "file")) var predictions: String?
    @OptionGroup var model: WritingModelOptions
    @Option(help: ArgumentHelp("The questions.", valueName: "file")) var questions: String
    @Option(help: ArgumentHelp("The answers that people gave, of VQAv2 or OK-VQA.", valueName: "file"))
    var annotations: String?
    @Flag(
        inversion: .prefixedNo,
        help: """
            With --model: ask questions as they are trained on by default, in lower case and without some punctuation \
            (captions.clean: blip).
            """) var cleanQuestions = true
    @Option(help: "lavis, vqa, gqa or exact; by default lavis, and gqa for GQA.") var scorer: AnswerScorer?
    @Flag(help: "Write the result as JSON.") var json = false
    @OptionGroup var examples: ExamplesOptions
    @OptionGroup var logs: LogOptions

    /// What `--json` writes.
    private struct Result: Encodable {
        let tally: Tally
        let scores: AnswerScores
        /// What the model was shown; nil for predictions out of a file.
        let shown: String?

        private enum CodingKeys: String, CodingKey { case shown }

        func encode(to encoder: any Encoder) throws {
            try tally.encode(to: encoder)
            try scores.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encodeIfPresent(shown, forKey: .shown)
        }
    }

    /// Source: Li et al., "BLIP-2", 2023, section 4.1.
    private static let defaults = WritingModelOptions.Defaults(
        prompts: (decoder: "Question: {} Answer:", encoder: "Question: {} Short answer:"), lengthPenalty: -1,
        minNewTokens: 0, maxNewTokens: 10)

    func run() async throws {
        guard cleanQuestions || model.model != nil else {
            throw ValidationError("--no-clean-questions: only with --model")
        }
        try requireDifferent(
            [("--output", model.output), ("--report", examples.report)],
            from: [("--questions", self.questions), ("--annotations", annotations), ("--predictions", predictions)])
        let questions = try asMetrics(read)
        let made = try await model.predictions(
            predictions, .answers, form: questions.kind == .gqa ? .gqa : .answers,
            asked: questions.questions.map {
                .init(id: $0.id, image: $0.imageID, question: cleanQuestions ? blipQuestion($0.text) : $0.text)
            }, examples, Self.defaults)
        guard let answers = made else { return }  // the first process scores them
        let used = scorer ?? (questions.kind == .gqa ? .gqa : .lavis)
        let result = Result(
            tally: answers.tally(questions.questions.map(\.id)),
            scores: AnswerScores(used, questions.questions, answers), shown: model.shownName)
        try examples.write { page(result, questions.questions, answers) }
        try printResult(json ? jsonLine(result) : table(result), terminator: json ? "\n" : "")
        try report(result.tally, of: "question", model.name(predictions))
    }

    private func read() throws(MetricsError) -> Questions {
        guard let annotations else { return try Questions(gqa: expandingHome(questions)) }
        return try Questions(vqa: expandingHome(questions), annotations: expandingHome(annotations))
    }

    private func page(
        _ result: Result, _ questions: [Questions.Question], _ answers: Predictions
    ) -> ExamplesPage {
        func examples(_ isWanted: (Double) -> Bool) -> [ExamplesPage.Example] {
            let scored = questions.map { question in
                (question, answers.text(of: question.id).map { result.scores.scorer.score($0, question.answers) } ?? 0)
            }
            return scored.filter { isWanted($0.1) }.spread(ExamplesOptions.count).map { question, score in
                ExamplesPage.Example(
                    image: question.imageID, question: question.text, written: answers.text(of: question.id),
                    references: counted(question.answers), score: String(format: "%.2f", score))
            }
        }
        let kinds = kinds(result)
        let figures = [("all", result.scores.all)] + (kinds.isEmpty ? types(result) : kinds)
        return ExamplesPage(
            title: "Answers",
            kicker: tallyLine(result.tally, of: "question") + "; scorer: \(result.scores.scorer.rawValue)",
            figures: figures.map { (name: $0.0, value: String(format: "%.2f %%", 100 * $0.1.accuracy)) },
            sections: [
                .init(heading: "Right", note: "Answers that score 1, spread over all.", examples: examples { $0 >= 1 }),
                .init(heading: "Wrong", note: "Answers that score 0, spread over all.", examples: examples { $0 <= 0 }),
            ])
    }

    /// Each answer once, with how often it was given, the most frequent first.
    private func counted(_ answers: [String]) -> [String] {
        let counts = Dictionary(grouping: answers, by: \.self).mapValues(\.count)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { $1 > 1 ? "\($0) (\($1))" : $0 }
    }

    private func table(_ result: Result) -> String {
        var table = ColumnTable(["", "questions", "accuracy"], right: ["questions", "accuracy"])
        for (name, share) in [("all", result.scores.all)] + types(result) {
            table.add([name, Figures.grouped(share.questions), percent(share)])
        }
        return tallyLine(result.tally, of: "question") + "\nscorer: \(result.scores.scorer.rawValue)" + model.note
            + "\n\n"
            + table.text() + kindTable(result)
    }

    /// The accuracy by type of answer.
    private func types(_ result: Result) -> [(String, AnswerScores.Share)] {
        result.scores.byAnswerType.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }.map { ($0, $1) }
    }

    /// The accuracy by kind of question, where the kinds are few.
    private func kinds(_ result: Result) -> [(String, AnswerScores.Share)] {
        let kinds = result.scores.byQuestionType.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }
        return kinds.count <= Self.mostKinds ? kinds.map { ($0, $1) } : []
    }

    /// The accuracy by kind of question beside that of its commonest answer.
    private func kindTable(_ result: Result) -> String {
        let kinds = kinds(result)
        guard !kinds.isEmpty else { return "" }
        var table = ColumnTable(
            ["kind of question", "questions", "accuracy", "commonest answer"],
            right: ["questions", "accuracy", "commonest answer"])
        for (name, share) in kinds {
            table.add([
                name, Figures.grouped(share.questions), percent(share),
                percent(result.scores.commonest[name] ?? .init()),
            ])
        }
        return "\n" + table.text()
    }

    /// More kinds of questions, as VQAv2 has, are in the JSON alone.
    private static let mostKinds = 20

    private func percent(_ share: AnswerScores.Share) -> String { String(format: "%.2f %%", 100 * share.accuracy) }
}

extension AnswerScorer: ExpressibleByArgument {}
