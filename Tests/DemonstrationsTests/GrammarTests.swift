import Testing

@testable import Demonstrations

@Suite("The grammar")
struct GrammarTests {
    /// A small red circle left of a large blue square, on green stripes, and an orange star at the bottom right.
    static let scene = Scene(
        width: 300, height: 300,
        background: .init(colour: .green, texture: .striped, frequency: 8, direction: 0, grain: 0),
        shapes: [
            shape(.circle, .red, .small, column: 0, row: 1), shape(.square, .blue, .large, column: 1, row: 1),
            shape(.star, .orange, .small, column: 2, row: 2),
        ])

    static func shape(_ kind: Scene.Kind, _ colour: Scene.Colour, _ size: Scene.Size, column: Int, row: Int)
        -> Scene.Shape
    {
        Scene.Shape(
            kind: kind, colour: colour, size: size, column: column, row: row, x: 0.22 + 0.28 * Double(column),
            y: 0.22 + 0.28 * Double(row), radius: size == .small ? 0.09 : 0.17, tilt: 0, shade: 0)
    }

    @Test(
        "judges true sentences true",
        arguments: [
            "a red circle", "A small red circle.", "a shape", "an orange star",
            "an orange shape in the bottom right corner",
            "a small red circle left of a large blue square", "a blue square to the right of a circle",
            "a star below a red circle", "an orange star under a blue square", "a blue square above an orange star",
            "a red circle on the left on a striped green background", "a blue square in the middle",
            "three shapes on a green background", "two small shapes", "one large shape", "one star",
            "a red circle, a blue square and an orange star on a striped background",
            "a striped green background with three shapes", "a striped background", "there are three shapes",
            "THERE IS A RED CIRCLE", "a picture of a red circle and an orange star", "a star at the bottom",
        ])
    func accepts(_ caption: String) {
        #expect(Grammar.isTrue(caption, of: Self.scene))
    }

    @Test(
        "judges false sentences false",
        arguments: [
            "a blue circle", "a large red circle", "a red square", "a red circle on the right", "two circles",
            "a red circle right of a blue square", "a blue square above a red circle", "two shapes", "one small shape",
            "a red circle on a blue background", "a red circle on a checkered green background", "a grainy background",
            "a red circle and a red circle", "a red circle and a ring", "a red circle in the top left corner",
            "a gray background with three shapes",
        ])
    func denies(_ caption: String) {
        #expect(Grammar.isSentence(caption))
        #expect(!Grammar.isTrue(caption, of: Self.scene))
    }

    @Test(
        "takes nothing else for a sentence",
        arguments: [
            "", ".", "a", "red circle", "a red", "a circle red", "an red circle", "a orange star", "a red circle and",
            "a red circle, a blue square", "a red circle on", "a red circle on the", "three shape", "one shapes",
            "a red circle left a blue square", "a red circle a blue square", "IMG_3342.JPG",
            "best price free shipping!!!",
            "a red circle on a striped", "a picture of", "there is", "a red circle!", "a striped green background with",
            "a picture of a picture of a red circle", "a  red circle on the left of", "four shapes", "a red circle ..",
        ])
    func refuses(_ text: String) {
        #expect(!Grammar.isSentence(text))
        #expect(!Grammar.isTrue(text, of: Self.scene))
    }

    @Test("makes only true sentences, of its own words, short enough, none twice, of every detail")
    func generates() throws {
        let words = Set(Grammar.vocabulary)
        for index in 0..<20 {
            let scene = Scene(seed: 17, index: index)
            let captions = Grammar.trueCaptions(of: scene)
            #expect(captions.count >= 30 && Set(captions).count == captions.count, "scene \(index)")
            for caption in captions {
                let tokens = StatementReader.tokens(caption)
                #expect(Grammar.isTrue(caption, of: scene), "scene \(index): \(caption)")
                #expect(tokens.count <= Grammar.longestCaption && words.isSuperset(of: tokens), "\(caption)")
            }
            let lengths = Set(captions.map { StatementReader.tokens($0).count })
            #expect(lengths.contains(2) && (lengths.max() ?? 0) >= 11, "scene \(index)")
        }
    }

    @Test("reads what it writes")
    func roundTrip() throws {
        let descriptions: [Statement.Description] = [
            .init(), .init(kind: .cross), .init(size: .large, colour: .orange, kind: .ring), .init(colour: .gray),
        ]
        let grounds: [Statement.Ground?] = [nil, .init(), .init(texture: .shaded, colour: .orange)]
        let places: [Statement.Place?] = [nil] + Statement.Place.allCases
        let mentions = descriptions.flatMap { description in
            places.map { Statement.Mention(description: description, place: $0) }
        }
        var subjects: [Statement.Subject] = descriptions.flatMap { [.count(1, $0), .count(3, $0)] }
        subjects += mentions.map { .shapes([$0]) } + mentions.map { .shapes([mentions[0], $0, $0]) }
        subjects += Statement.Relation.allCases.map { .related(mentions[1], $0, mentions[2]) }
        for subject in subjects {
            for ground in grounds {
                let statement = Statement(subject: subject, ground: ground)
                for words in [statement.words(), statement.words(groundFirst: true)] {
                    let sentence = words.joined(separator: " ")
                    #expect(StatementReader.statement(sentence) == statement, "\(sentence)")
                }
            }
        }
    }

    @Test("makes telling captions that are seldom true of other scenes")
    func telling() {
        var random = DemoRandom(seed: 1)
        let scenes = (0..<80).map { Scene(seed: 23, index: $0) }
        var elsewhere = 0
        for scene in scenes {
            let caption = Grammar.caption(of: scene, using: &random)
            #expect(Grammar.isTrue(caption, of: scene))
            elsewhere += scenes.count { $0 != scene && Grammar.isTrue(caption, of: $0) }
        }
        #expect(elsewhere * 100 < scenes.count * scenes.count)
    }

    @Test("has fewer than a hundred words, sorted")
    func vocabulary() {
        #expect(Grammar.vocabulary.count < 100 && Grammar.vocabulary == Grammar.vocabulary.sorted())
        #expect(
            Set(Grammar.vocabulary).isSuperset(of: ["a", "an", "crosses", "checkered", ",", "of", "corner", "image"]))
    }
}
