/// The best answers to a question so far, best first.
///
/// Of equal scores the wrong one comes first, then the one with the lower number: the order depends on nothing else.
struct BestAnswers: Sendable {
    struct Answer: Sendable, Equatable {
        let score: Float
        let number: Int32
        let isRight: Bool

        func isBefore(_ other: Answer) -> Bool {
            if score != other.score { return score > other.score }
            if isRight != other.isRight { return !isRight }
            return number < other.number
        }
    }

    private(set) var answers: [Answer] = []
    private let limit: Int

    /// Keeps at most `limit` answers.
    init(limit: Int) {
        precondition(limit > 0, "one answer at least")
        self.limit = limit
    }

    mutating func add(_ score: Float, _ number: Int, isRight: Bool) {
        let answer = Answer(score: score, number: Int32(number), isRight: isRight)
        if answers.count == limit {
            guard let last = answers.last, answer.isBefore(last) else { return }
            answers.removeLast()
        }
        var (low, high) = (0, answers.count)
        while low < high {
            let middle = (low + high) / 2
            if answers[middle].isBefore(answer) { low = middle + 1 } else { high = middle }
        }
        answers.insert(answer, at: low)
    }

    /// The place of the first right answer, counted from 0; the number of answers where none of them is right.
    var firstRightPlace: Int { answers.firstIndex(where: \.isRight) ?? answers.count }
}
