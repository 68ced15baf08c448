package import Loading
import RandomNumbers
package import Storage
package import TextMetrics

/// Questions about the images of a set of data sets, found by the images' source ids.
///
/// Memory grows with the questions: about 300 bytes each.
package struct QuestionSet: Sendable {
    /// Questions of a file, and what the loss of their answers is multiplied by.
    package struct File: Sendable {
        let path: String
        let questions: [Questions.Question]
        let weight: Double

        package init(_ path: String, _ questions: [Questions.Question], weight: Double) {
            (self.path, self.questions, self.weight) = (path, questions, weight)
        }
    }

    /// How many questions and images there are, and how many have no counterpart.
    package struct Counts: Sendable, Equatable {
        /// Questions about images that are there, and those images.
        package var questions = 0
        package var images = 0
        /// Questions about images that are not there, and questions without an answer.
        package var questionsWithoutImage = 0
        package var questionsWithoutAnswer = 0
        /// Images that nothing is asked about.
        package var imagesWithoutQuestion = 0
    }

    package let counts: Counts
    private let questions: [ShownQuestion]
    /// The questions about each sample's image, by the sample's key.
    private let numbers: [String: [Int32]]
    private let seed: UInt64
    private let drawsAnswers: Bool

    /// The questions of `files` about the images of `datasets`; `seed` decides in which order an image's questions are asked,
    /// and, where it `drawsAnswers`, which answer of a question is shown.
    ///
    /// - Throws: `table` where a data set's tables cannot be read or do not belong together, `noMatch` where no question is about
    ///   an image.
    package init(
        _ files: [File], about datasets: [Dataset], seed: UInt64, drawsAnswers: Bool = false,
        clean: (String) -> String = { $0 }
    ) throws(QuestionError) {
        let images = try imageIDs(in: datasets)
        var places: [String: [String]] = [:]
        for (key, id) in images { places[id, default: []].append(key) }
        var (counts, questions, numbers): (Counts, [ShownQuestion], [String: [Int32]]) = (Counts(), [], [:])
        for file in files {
            for question in file.questions {
                guard let keys = places[plainID(question.imageID)] else {
                    counts.questionsWithoutImage += 1
                    continue
                }
                let answers = shares(of: question.answers)
                guard !answers.isEmpty else {
                    counts.questionsWithoutAnswer += 1
                    continue
                }
                for key in keys { numbers[key, default: []].append(Int32(questions.count)) }
                questions.append(ShownQuestion(clean(question.text), answers, weight: file.weight))
            }
        }
        guard !questions.isEmpty else {
            throw Self.noMatch(files, images.values.min(), datasets)
        }
        counts.questions = questions.count
        counts.images = numbers.count
        counts.imagesWithoutQuestion = images.count - numbers.count
        (self.counts, self.questions, self.numbers) = (counts, questions, numbers)
        (self.seed, self.drawsAnswers) = (seed, drawsAnswers)
    }

    private static func noMatch(_ files: [File], _ id: String?, _ datasets: [Dataset]) -> QuestionError {
        let asked = files.flatMap(\.questions).first.map(\.imageID) ?? "none"
        let places = datasets.map { $0.place(of: DatasetLayout.description) }.joined(separator: ", ")
        return QuestionError(
            .noMatch, files.map(\.path).joined(separator: ", "),
            "no question is about an image of \(places): image ids of questions, such as \(asked), are looked for among the "
                + "samples' source_id, such as \(id ?? "none")")
    }

    /// The keys of the samples that something is asked about.
    package var keys: Set<String> { Set(numbers.keys) }

    /// What is asked about the image of the sample `key` in the pass `pass` over the set: another of its questions in each pass,
    /// in a random order, until all were asked; then in another order again.
    package func ask(_ key: String, pass: Int) -> ShownQuestion {
        guard let own = numbers[key], !own.isEmpty else { preconditionFailure("nothing is asked about \(key)") }
        let name = nameHash(key, from: SplitMix64.mixed(seed))
        var chance = SplitMix64(seed: SplitMix64.number(pass / own.count, from: name))
        let question = questions[Int(chance.shuffled(own)[pass % own.count])]
        guard drawsAnswers else { return question }
        let draw = SplitMix64.number(pass, from: SplitMix64.mixed(name)).unitInterval
        var sum = 0.0
        let answer = question.answers.first { answer in
            sum += answer.share
            return draw < sum
        }
        let drawn = (answer ?? question.answers[question.answers.count - 1]).text
        return ShownQuestion(question.text, [ShownQuestion.Answer(drawn, share: 1)], weight: question.weight)
    }
}

/// The different ones of `answers`, in the order in which they come first, each with its share; empty ones are none.
private func shares(of answers: [String]) -> [ShownQuestion.Answer] {
    var (counts, order): ([String: Int], [String]) = ([:], [])
    for answer in answers where !answer.allSatisfy(\.isWhitespace) {
        if counts.updateValue(counts[answer, default: 0] + 1, forKey: answer) == nil { order.append(answer) }
    }
    let total = Double(counts.values.reduce(0, +))
    return order.map { ShownQuestion.Answer($0, share: Double(counts[$0] ?? 0) / total) }
}
