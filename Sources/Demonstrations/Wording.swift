/// The words of the grammar: how a ``Statement`` is written, and read again.
enum Wording {
    static let counts = [1: "one", 2: "two", 3: "three"]

    static let places: [(words: [String], place: Statement.Place)] = [
        (["on", "the", "left"], .left), (["on", "the", "right"], .right), (["at", "the", "top"], .top),
        (["at", "the", "bottom"], .bottom), (["in", "the", "middle"], .middle),
        (["in", "the", "top", "left", "corner"], .topLeft), (["in", "the", "top", "right", "corner"], .topRight),
        (["in", "the", "bottom", "left", "corner"], .bottomLeft),
        (["in", "the", "bottom", "right", "corner"], .bottomRight),
    ]

    /// The first wording of a relation is the one that is written by default.
    static let relations: [(words: [String], relation: Statement.Relation)] = [
        (["left", "of"], .leftOf), (["to", "the", "left", "of"], .leftOf), (["right", "of"], .rightOf),
        (["to", "the", "right", "of"], .rightOf), (["above"], .above), (["below"], .below), (["under"], .below),
    ]

    /// What may stand before a sentence and claims nothing.
    static let openings = [
        ["a", "picture", "of"], ["an", "image", "of"], ["a", "drawing", "of"], ["there", "is"], ["there", "are"],
    ]

    /// The word for a shape of `kind`, or of any kind.
    static func noun(_ kind: Scene.Kind?, plural: Bool) -> String {
        let word = kind?.rawValue ?? "shape"
        return !plural ? word : word == "cross" ? "crosses" : word + "s"
    }

    /// `a`, or `an` before a vowel.
    static func article(before word: String) -> String {
        word.first.map { "aeiou".contains($0) } == true ? "an" : "a"
    }
}

extension Statement.Description {
    func words(plural: Bool) -> [String] {
        [size?.rawValue, colour?.rawValue].compactMap(\.self) + [Wording.noun(kind, plural: plural)]
    }
}

extension Statement.Mention {
    var words: [String] {
        let noun = description.words(plural: false)
        let location = place.flatMap { place in Wording.places.first { $0.place == place } }?.words ?? []
        return [Wording.article(before: noun[0])] + noun + location
    }
}

extension Statement.Ground {
    var words: [String] {
        let noun = [texture?.rawValue, colour?.rawValue].compactMap(\.self) + ["background"]
        return [Wording.article(before: noun[0])] + noun
    }
}

extension Statement.Subject {
    /// The subject's words; `relation` are the words to use for a relation, by default the first that mean it.
    func words(relation wanted: [String]? = nil) -> [String] {
        switch self {
        case .count(let count, let description):
            return [Wording.counts[count] ?? "many"] + description.words(plural: count != 1)
        case .related(let one, let relation, let other):
            let words = wanted ?? Wording.relations.first { $0.relation == relation }?.words ?? []
            return one.words + words + other.words
        case .shapes(let mentions):
            return mentions.enumerated().flatMap { number, mention in
                number == 0 ? mention.words : [number == mentions.count - 1 ? "and" : ","] + mention.words
            }
        }
    }
}

extension Statement {
    /// The words and commas; `groundFirst` says the background before the shapes.
    func words(relation: [String]? = nil, groundFirst: Bool = false) -> [String] {
        let subject = subject?.words(relation: relation) ?? []
        guard let ground = ground?.words else { return subject }
        if subject.isEmpty { return ground }
        return groundFirst ? ground + ["with"] + subject : subject + ["on"] + ground
    }
}
