/// Reads a sentence of the grammar, word by word.
struct StatementReader {
    private var words: ArraySlice<String>

    /// What `sentence` claims; nil when it is no sentence of the grammar.
    ///
    /// Upper and lower case, white space and a full stop at the end make no difference.
    static func statement(_ sentence: String) -> Statement? {
        var reader = StatementReader(words: tokens(sentence)[...])
        return reader.sentence()
    }

    /// The words and commas of `sentence`, in lower case.
    static func tokens(_ sentence: String) -> [String] {
        var text = sentence.lowercased()
        while text.last?.isWhitespace == true { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text.replacing(",", with: " , ").split(whereSeparator: \.isWhitespace).map(String.init)
    }

    // 1. sentence := [opening] (ground ["with" subject] | subject ["on" ground])
    private mutating func sentence() -> Statement? {
        for opening in Wording.openings where accept(opening) { break }
        var statement = Statement()
        if let ground = attempt({ $0.ground() }) {
            statement.ground = ground
            if accept(["with"]) {
                guard let subject = subject() else { return nil }
                statement.subject = subject
            }
        } else {
            guard let subject = subject() else { return nil }
            statement.subject = subject
            if accept(["on"]) {
                guard let ground = ground() else { return nil }
                statement.ground = ground
            }
        }
        return words.isEmpty ? statement : nil
    }

    // 2. subject := number description | mention relation mention | mention {"," mention} ["and" mention]
    private mutating func subject() -> Statement.Subject? {
        if let count = Wording.counts.first(where: { $0.value == words.first })?.key {
            words.removeFirst()
            return description(plural: count != 1).map { .count(count, $0) }
        }
        guard let first = mention() else { return nil }
        for (words, relation) in Wording.relations where accept(words) {
            return mention().map { .related(first, relation, $0) }
        }
        var mentions = [first]
        while accept([","]) {
            guard let mention = mention() else { return nil }
            mentions.append(mention)
        }
        if accept(["and"]) {
            guard let mention = mention() else { return nil }
            mentions.append(mention)
        } else if mentions.count > 1 {
            return nil
        }
        return .shapes(mentions)
    }

    // 3. mention := article description [place]
    private mutating func mention() -> Statement.Mention? {
        guard acceptArticle(), let description = description(plural: false) else { return nil }
        for (words, place) in Wording.places where accept(words) {
            return Statement.Mention(description: description, place: place)
        }
        return Statement.Mention(description: description, place: nil)
    }

    // 4. description := [size] [colour] noun
    private mutating func description(plural: Bool) -> Statement.Description? {
        let size = take { Scene.Size(rawValue: $0) }
        let colour = take { Scene.Colour(rawValue: $0) }
        if accept([Wording.noun(nil, plural: plural)]) { return Statement.Description(size: size, colour: colour) }
        let kind = take { word in Scene.Kind.allCases.first { Wording.noun($0, plural: plural) == word } }
        return kind.map { Statement.Description(size: size, colour: colour, kind: $0) }
    }

    // 5. ground := article [texture] [colour] "background"
    private mutating func ground() -> Statement.Ground? {
        guard acceptArticle() else { return nil }
        let texture = take { Scene.Texture(rawValue: $0) }
        let colour = take { Scene.Colour(rawValue: $0) }
        return accept(["background"]) ? Statement.Ground(texture: texture, colour: colour) : nil
    }

    private mutating func accept(_ wanted: [String]) -> Bool {
        guard words.starts(with: wanted) else { return false }
        words = words.dropFirst(wanted.count)
        return true
    }

    /// An article that agrees with the word after it.
    private mutating func acceptArticle() -> Bool {
        guard let next = words.dropFirst().first else { return false }
        return accept([Wording.article(before: next)])
    }

    private mutating func take<Value>(_ meaning: (String) -> Value?) -> Value? {
        guard let value = words.first.flatMap(meaning) else { return nil }
        words.removeFirst()
        return value
    }

    /// Runs `rule`; where it fails, nothing has been read.
    private mutating func attempt<Value>(_ rule: (inout StatementReader) -> Value?) -> Value? {
        let start = words
        if let value = rule(&self) { return value }
        words = start
        return nil
    }
}
