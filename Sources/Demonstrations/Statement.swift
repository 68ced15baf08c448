/// What a sentence of the grammar claims about a scene, apart from its wording.
struct Statement: Hashable, Sendable {
    /// A claim about the background; a side that is nil claims nothing.
    struct Ground: Hashable, Sendable {
        var texture: Scene.Texture?
        var colour: Scene.Colour?
    }

    /// A claim about one shape; a part that is nil claims nothing.
    struct Description: Hashable, Sendable {
        var size: Scene.Size?
        var colour: Scene.Colour?
        var kind: Scene.Kind?
    }

    /// Where in the picture a shape stands.
    enum Place: Hashable, Sendable, CaseIterable {
        case left, right, top, bottom, middle, topLeft, topRight, bottomLeft, bottomRight
    }

    /// How two shapes stand to each other.
    enum Relation: Hashable, Sendable, CaseIterable {
        case leftOf, rightOf, above, below
    }

    /// A shape, and where it is said to stand.
    struct Mention: Hashable, Sendable {
        var description: Description
        var place: Place?
    }

    /// The claim about the shapes.
    enum Subject: Hashable, Sendable {
        /// These shapes are there, a shape for each mention.
        case shapes([Mention])
        /// The first stands so to the second.
        case related(Mention, Relation, Mention)
        /// Exactly so many shapes fit the description.
        case count(Int, Description)
    }

    var subject: Subject?
    var ground: Ground?
}

extension Statement {
    /// Whether all that is claimed is so.
    func holds(for scene: Scene) -> Bool {
        (ground?.fits(scene.background) ?? true) && (subject?.holds(for: scene.shapes) ?? true)
    }
}

extension Statement.Ground {
    fileprivate func fits(_ background: Scene.Background) -> Bool {
        (texture == nil || texture == background.texture) && (colour == nil || colour == background.colour)
    }
}

extension Statement.Description {
    func fits(_ shape: Scene.Shape) -> Bool {
        (size == nil || size == shape.size) && (colour == nil || colour == shape.colour)
            && (kind == nil || kind == shape.kind)
    }
}

extension Statement.Mention {
    func fits(_ shape: Scene.Shape) -> Bool {
        description.fits(shape) && (place?.holds(shape) ?? true)
    }
}

extension Statement.Place {
    func holds(_ shape: Scene.Shape) -> Bool {
        switch self {
        case .left: shape.column == 0
        case .right: shape.column == 2
        case .top: shape.row == 0
        case .bottom: shape.row == 2
        case .middle: shape.column == 1 && shape.row == 1
        case .topLeft: shape.column == 0 && shape.row == 0
        case .topRight: shape.column == 2 && shape.row == 0
        case .bottomLeft: shape.column == 0 && shape.row == 2
        case .bottomRight: shape.column == 2 && shape.row == 2
        }
    }
}

extension Statement.Relation {
    func holds(_ one: Scene.Shape, _ other: Scene.Shape) -> Bool {
        switch self {
        case .leftOf: one.column < other.column
        case .rightOf: one.column > other.column
        case .above: one.row < other.row
        case .below: one.row > other.row
        }
    }
}

extension Statement.Subject {
    fileprivate func holds(for shapes: [Scene.Shape]) -> Bool {
        switch self {
        case .count(let count, let description):
            shapes.count(where: description.fits) == count
        case .related(let one, let relation, let other):
            // A shape stands in no relation to itself, so the two are never the same.
            shapes.contains { first in
                one.fits(first) && shapes.contains { other.fits($0) && relation.holds(first, $0) }
            }
        case .shapes(let mentions):
            Self.assigned(mentions[...], among: shapes)
        }
    }

    /// Whether each mention can have a shape of its own.
    private static func assigned(_ mentions: ArraySlice<Statement.Mention>, among shapes: [Scene.Shape]) -> Bool {
        guard let mention = mentions.first else { return true }
        return shapes.indices.contains { index in
            guard mention.fits(shapes[index]) else { return false }
            var others = shapes
            others.remove(at: index)
            return assigned(mentions.dropFirst(), among: others)
        }
    }
}
