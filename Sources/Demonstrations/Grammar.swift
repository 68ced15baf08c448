/// The sentences that can be said of scenes, with a judge of their truth.
///
/// The rules, read by ``StatementReader``:
///
///     sentence    := [opening] (subject ["on" ground] | ground ["with" subject])
///     subject     := number description | mention relation mention | mention {"," mention} ["and" mention]
///     mention     := article description [place]
///     description := [size] [colour] (kind | "shape")
///     ground      := article [texture] [colour] "background"
///
/// A place is a third of the picture, or a corner of its nine fields. `left of` and `above` compare those thirds.
/// A number counts all shapes that fit; everything else claims only that such shapes are there.
package enum Grammar {
    /// The most words and commas that a generated sentence has: the captioner stops at 20 tokens, five of which are taken by
    /// the prompt and the end.
    package static let longestCaption = 14

    /// Every word of the grammar, sorted, and the comma: fewer than a hundred.
    package static let vocabulary: [String] = {
        let nouns: [Scene.Kind?] = [nil] + Scene.Kind.allCases
        var words: Set<String> = [",", "a", "an", "and", "on", "with", "background"]
        words.formUnion(nouns.flatMap { [Wording.noun($0, plural: false), Wording.noun($0, plural: true)] })
        words.formUnion(Scene.Colour.allCases.map(\.rawValue))
        words.formUnion(Scene.Size.allCases.map(\.rawValue))
        words.formUnion(Scene.Texture.allCases.map(\.rawValue))
        words.formUnion(Wording.counts.values)
        words.formUnion((Wording.places.map(\.words) + Wording.relations.map(\.words) + Wording.openings).joined())
        return words.sorted()
    }()

    /// Whether `caption` is a sentence of the grammar and true of `scene`; any other text is false.
    package static func isTrue(_ caption: String, of scene: Scene) -> Bool {
        StatementReader.statement(caption)?.holds(for: scene) ?? false
    }

    /// Whether `caption` is a sentence of the grammar, true or not.
    package static func isSentence(_ caption: String) -> Bool {
        StatementReader.statement(caption) != nil
    }

    /// True sentences about `scene`, from the plainest to the most detailed, sorted, none twice, each at most
    /// ``longestCaption`` words long.
    package static func trueCaptions(of scene: Scene) -> [String] {
        Set(CaptionForm.allCases.flatMap { captions(of: scene, form: $0) }).sorted()
    }

    /// One true sentence that tells apart: the shapes in it have a colour and a kind.
    package static func caption(of scene: Scene, using random: inout DemoRandom) -> String {
        let forms = CaptionForm.telling.filter { !captions(of: scene, form: $0).isEmpty }
        return random.pick(captions(of: scene, form: random.pick(forms)))
    }

    private static func captions(of scene: Scene, form: CaptionForm) -> [String] {
        form.sentences(about: scene).filter { $0.count <= longestCaption }.map(text)
    }

    /// The words as text: a comma follows its word at once.
    static func text(_ words: [String]) -> String {
        words.joined(separator: " ").replacing(" ,", with: ",")
    }
}
