/// A question about a scene, with the only answer that is true.
package struct SceneQuestion: Hashable, Sendable {
    /// What is asked for.
    package enum Kind: String, Sendable, CaseIterable {
        /// The colour of the only shape of its kind: one of nine.
        case colour
        /// How many shapes there are: 1, 2 or 3.
        case number
        /// Whether there is a shape of a kind: yes and no, equally often.
        case presence
        /// In which of the picture's nine fields the only shape of its kind stands.
        case place
    }

    package let kind: Kind
    package let text: String
    package let answer: String

    /// How VQAv2 calls such answers.
    package var answerType: String {
        switch kind {
        case .presence: "yes/no"
        case .number: "number"
        case .colour, .place: "other"
        }
    }

    /// Question and answer as a language model writes them, with one of the paper's two prompts; what is put around the
    /// answer stands there too.
    package func line(isShort: Bool = false, around: String = "") -> String {
        "Question: \(text) \(isShort ? "Short answer" : "Answer"):\(around) \(answer)\(around)"
    }

    /// A question about a kind of shape, so short that its answer stands right behind the shape's name; nil for others.
    func note(around: String) -> String? {
        let asked: String? =
            switch kind {
            case .colour: "colour"
            case .place: "where"
            case .presence: "there"
            case .number: nil
            }
        guard let asked, let name = text.dropLast().split(separator: " ").last else { return nil }
        return "\(asked) \(name)\(around) \(answer)\(around)"
    }
}

extension Scene {
    /// A question of each kind that has exactly one true answer here, in the order of the kinds.
    package func questions(using random: inout DemoRandom) -> [SceneQuestion] {
        var questions: [SceneQuestion] = []
        if !single.isEmpty { questions.append(colourQuestion(random.pick(single))) }
        questions.append(numberQuestion)
        questions.append(presenceQuestion(of: random.pick(random.below(2) == 0 ? present : absent)))
        if !single.isEmpty { questions.append(placeQuestion(random.pick(single))) }
        return questions
    }

    /// Questions and answers to learn from, five for every scene: whether there is a shape is asked of one that is there and
    /// of one or several that are not.
    func lessons(using random: inout DemoRandom) -> [SceneQuestion] {
        let others = random.shuffled(absent).prefix(single.isEmpty ? 3 : 1)
        var lessons = [numberQuestion, presenceQuestion(of: random.pick(present))] + others.map(presenceQuestion(of:))
        if !single.isEmpty { lessons += [colourQuestion(random.pick(single)), placeQuestion(random.pick(single))] }
        return random.shuffled(lessons)
    }

    /// The questions that a language model reads the answers to: the number, colour and place of every shape that is the only one
    /// of its kind, and whether there is a shape, yes or no by chance each time, so that no answer follows from those before it.
    func allQuestions(using random: inout DemoRandom) -> [SceneQuestion] {
        var (here, missing) = (random.shuffled(present), random.shuffled(absent))
        let presences = (0...present.count).compactMap { _ in
            (random.below(2) == 0 ? here.popLast() : missing.popLast()).map(presenceQuestion(of:))
        }
        return random.shuffled(
            [numberQuestion] + presences + single.map(colourQuestion) + single.map(placeQuestion))
    }

    /// Colour and place of every shape that is the only one of its kind, and whether there are five kinds of shapes.
    func shapeQuestions(using random: inout DemoRandom) -> [SceneQuestion] {
        let presences = random.shuffled(Kind.allCases).prefix(5).map(presenceQuestion(of:))
        return random.shuffled(presences + single.map(colourQuestion) + single.map(placeQuestion))
    }

    /// A sentence of the grammar that says all that is asked about: every shape with its colour and its place.
    var wholeDescription: String {
        let mentions = shapes.map {
            Statement.Mention(description: .init(colour: $0.colour, kind: $0.kind), place: $0.field)
        }
        return Grammar.text(Statement(subject: .shapes(mentions)).words())
    }

    /// The shapes that are the only ones of their kind.
    private var single: [Shape] { shapes.filter { shape in shapes.count { $0.kind == shape.kind } == 1 } }
    private var present: [Kind] { Kind.allCases.filter { kind in shapes.contains { $0.kind == kind } } }
    private var absent: [Kind] { Kind.allCases.filter { kind in !shapes.contains { $0.kind == kind } } }

    private func colourQuestion(_ shape: Shape) -> SceneQuestion {
        SceneQuestion(
            kind: .colour, text: "what colour is the \(shape.kind.rawValue)?", answer: shape.colour.rawValue)
    }

    /// The answer is a digit, as scorers of VQA write numbers.
    private var numberQuestion: SceneQuestion {
        SceneQuestion(kind: .number, text: "how many shapes are there?", answer: "\(shapes.count)")
    }

    private func presenceQuestion(of kind: Kind) -> SceneQuestion {
        let article = Wording.article(before: kind.rawValue)
        return SceneQuestion(
            kind: .presence, text: "is there \(article) \(kind.rawValue)?",
            answer: present.contains(kind) ? "yes" : "no")
    }

    private func placeQuestion(_ shape: Shape) -> SceneQuestion {
        SceneQuestion(kind: .place, text: "where is the \(shape.kind.rawValue)?", answer: shape.field.name)
    }
}

extension Scene.Shape {
    /// The field of nine that the shape stands in.
    fileprivate var field: Statement.Place {
        let fields: [[Statement.Place]] = [
            [.topLeft, .top, .topRight], [.left, .middle, .right], [.bottomLeft, .bottom, .bottomRight],
        ]
        return fields[row][column]
    }
}

extension Statement.Place {
    /// The field's name as an answer: `top left`, `middle`.
    fileprivate var name: String {
        switch self {
        case .left: "left"
        case .right: "right"
        case .top: "top"
        case .bottom: "bottom"
        case .middle: "middle"
        case .topLeft: "top left"
        case .topRight: "top right"
        case .bottomLeft: "bottom left"
        case .bottomRight: "bottom right"
        }
    }
}
