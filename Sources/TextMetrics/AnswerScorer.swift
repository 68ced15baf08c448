/// The rules by which an answer is right.
///
/// The two official scorers of VQA disagree: which one was used belongs to a figure.
package enum AnswerScorer: String, Sendable, CaseIterable, Encodable {
    /// LAVIS, and GT-Vision-Lab/VQA as of commit c4e6a0e: the prediction is always normalised, people's answers lose marks
    /// where they differ.
    case lavis
    /// GT-Vision-Lab/VQA as of commit a013f00: both are normalised where people's answers differ, neither where they agree.
    case vqa
    /// One answer, which the normalised prediction must equal: LAVIS's rule for GQA.
    case gqa
    /// One answer, which the prediction must equal as it is: GQA's own script.
    case exact

    /// What `prediction` scores, 0 to 1.
    ///
    /// With the answers of ten people: for each, how many of the nine others gave it, three and more being 1; of that the
    /// mean. Where answers have no number of their own, the references take equal ones for one person; here each counts.
    package func score(_ prediction: String, _ answers: [String]) -> Double {
        switch self {
        case .lavis:
            let given = AnswerText.normalized(AnswerText.plain(prediction))
            return Self.agreement(given, Self.differ(answers) ? answers.map(AnswerText.withoutMarks) : answers)
        case .vqa:
            let (given, plain) = (AnswerText.plain(prediction), answers.map(AnswerText.plain))
            guard Self.differ(plain) else { return Self.agreement(given, plain) }
            return Self.agreement(AnswerText.normalized(given), plain.map(AnswerText.normalized))
        case .gqa: return answers.contains { AnswerText.normalized(prediction).isSame($0) } ? 1 : 0
        case .exact: return answers.contains { prediction.isSame($0) } ? 1 : 0
        }
    }

    private static func differ(_ answers: [String]) -> Bool { answers.contains { !$0.isSame(answers[0]) } }

    private static func agreement(_ given: String, _ answers: [String]) -> Double {
        let count = answers.count { $0.isSame(given) }
        let sum = answers.reduce(0.0) { $0 + min(1, Double($1.isSame(given) ? count - 1 : count) / 3) }
        return sum / Double(answers.count)
    }
}

extension AnswerText {
    static func normalized(_ text: String) -> String { withDigits(withoutMarks(text)) }
}

extension String {
    /// Whether both have the same scalars; `==` also takes equivalent ones for equal.
    fileprivate func isSame(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

/// How good answers are, of all questions and of those of each kind.
package struct AnswerScores: Sendable, Equatable, Encodable {
    package struct Share: Sendable, Equatable, Encodable {
        package fileprivate(set) var questions = 0
        fileprivate var sum = 0.0

        package init() {}

        /// 0 to 1.
        package var accuracy: Double { questions == 0 ? 0 : sum / Double(questions) }

        private enum CodingKeys: String, CodingKey { case questions, accuracy }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(questions, forKey: .questions)
            try container.encode(accuracy, forKey: .accuracy)
        }

        fileprivate mutating func add(_ score: Double) {
            questions += 1
            sum += score
        }
    }

    package let scorer: AnswerScorer
    package private(set) var all = Share()
    package private(set) var byAnswerType: [String: Share] = [:]
    package private(set) var byQuestionType: [String: Share] = [:]
    /// What the commonest answer to questions of a kind reaches as the answer to all of them, by the kind.
    ///
    /// It takes no image and no question. Of equally frequent answers it is the first in the order of their bytes.
    package private(set) var commonest: [String: Share] = [:]

    /// A question without an answer scores 0.
    package init(_ scorer: AnswerScorer, _ questions: [Questions.Question], _ predictions: Predictions) {
        self.scorer = scorer
        for question in questions {
            let score = predictions.text(of: question.id).map { scorer.score($0, question.answers) } ?? 0
            all.add(score)
            byAnswerType[question.answerType, default: Share()].add(score)
            byQuestionType[question.questionType, default: Share()].add(score)
        }
        for (kind, questions) in Dictionary(grouping: questions, by: \.questionType) {
            let answer = Self.commonest(questions.flatMap(\.answers))
            for question in questions { commonest[kind, default: Share()].add(scorer.score(answer, question.answers)) }
        }
    }

    private static func commonest(_ answers: [String]) -> String {
        let counts = answers.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
    }

    private enum CodingKeys: String, CodingKey {
        case scorer
        case accuracy
        case byAnswerType = "by_answer_type"
        case byQuestionType = "by_question_type"
        case commonest = "commonest_answer"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(scorer, forKey: .scorer)
        try container.encode(all.accuracy, forKey: .accuracy)
        try container.encode(byAnswerType, forKey: .byAnswerType)
        try container.encode(byQuestionType, forKey: .byQuestionType)
        try container.encode(commonest, forKey: .commonest)
    }
}
