/// The forms in which true sentences about a scene are made.
enum CaptionForm: CaseIterable {
    /// A shape without its colour or its kind, the background alone, how many shapes there are.
    case vague
    /// One shape with its colour and kind.
    case shape
    /// One shape and where it stands.
    case placed
    /// Two shapes and how they stand to each other.
    case related
    /// All the shapes.
    case list

    /// The forms that describe a picture well enough to tell it from most others, the best ones more often.
    static let telling: [CaptionForm] = [.shape, .placed, .related, .related, .list, .list]

    /// The sentences of this form that are true of `scene`, word by word.
    func sentences(about scene: Scene) -> [[String]] {
        let texture = scene.background.texture
        let colour = scene.background.colour
        let grounds: [Statement.Ground?] = [nil, .init(colour: colour), .init(texture: texture, colour: colour)]
        return switch self {
        case .vague: Self.vague(scene, grounds: grounds + [.init(texture: texture)])
        case .shape: Self.written(scene.shapes.flatMap { Self.names($0) }.map { .shapes([$0]) }, on: grounds)
        case .placed: Self.written(scene.shapes.flatMap(Self.places).map { .shapes([$0]) }, on: grounds)
        case .related: Self.related(scene)
        case .list: Self.lists(scene, grounds: grounds)
        }
    }

    private static func vague(_ scene: Scene, grounds: [Statement.Ground?]) -> [[String]] {
        let kinds = Set(scene.shapes.map(\.kind))
        let named = Scene.Kind.allCases.filter(kinds.contains)
        let counted = named.map { kind in (kind, scene.shapes.count { $0.kind == kind }) }
        var subjects: [Statement.Subject] = [.count(scene.shapes.count, .init())]
        subjects += counted.filter { $0.1 > 1 }.map { .count($0.1, .init(kind: $0.0)) }
        subjects += named.map { .shapes([.init(description: .init(kind: $0))]) }
        subjects += scene.shapes.map { .shapes([.init(description: .init(size: $0.size, kind: $0.kind))]) }
        subjects += scene.shapes.map { .shapes([.init(description: .init(colour: $0.colour))]) }
        let alone = grounds.compactMap(\.self).map { Statement(ground: $0).words() }
        let counts = subjects.prefix(1).flatMap { subject in
            grounds.compactMap(\.self).map { Statement(subject: subject, ground: $0).words(groundFirst: true) }
        }
        return written(subjects, on: grounds) + alone + counts
    }

    /// Every pair of shapes that stands in a relation, in every wording of it.
    private static func related(_ scene: Scene) -> [[String]] {
        scene.shapes.flatMap { one in
            scene.shapes.flatMap { other in
                Wording.relations.filter { $0.relation.holds(one, other) }.flatMap { words, relation in
                    names(one).flatMap { one in
                        names(other).map { other in
                            Statement(subject: .related(one, relation, other)).words(relation: words)
                        }
                    }
                }
            }
        }
    }

    private static func lists(_ scene: Scene, grounds: [Statement.Ground?]) -> [[String]] {
        guard scene.shapes.count > 1 else { return [] }
        let subjects: [Statement.Subject] = orders(scene.shapes).flatMap { order in
            [false, true].map { sized in .shapes(order.map { .init(description: description($0, sized: sized)) }) }
        }
        return written(subjects, on: grounds)
    }

    private static func written(_ subjects: [Statement.Subject], on grounds: [Statement.Ground?]) -> [[String]] {
        subjects.flatMap { subject in grounds.map { Statement(subject: subject, ground: $0).words() } }
    }

    private static func description(_ shape: Scene.Shape, sized: Bool) -> Statement.Description {
        .init(size: sized ? shape.size : nil, colour: shape.colour, kind: shape.kind)
    }

    private static func names(_ shape: Scene.Shape) -> [Statement.Mention] {
        [false, true].map { .init(description: description(shape, sized: $0)) }
    }

    private static func places(_ shape: Scene.Shape) -> [Statement.Mention] {
        names(shape).flatMap { name in
            Statement.Place.allCases.filter { $0.holds(shape) }.map { .init(description: name.description, place: $0) }
        }
    }

    private static func orders(_ shapes: [Scene.Shape]) -> [[Scene.Shape]] {
        guard shapes.count > 1 else { return [shapes] }
        return shapes.indices.flatMap { first in
            var others = shapes
            let shape = others.remove(at: first)
            return orders(others).map { [shape] + $0 }
        }
    }
}
