extension Scene {
    /// The scene number `index` of `seed`, the same on every machine.
    package init(seed: UInt64, index: Int) {
        var random = DemoRandom(seed: seed, stream: UInt64(index))
        self.init(using: &random)
    }

    /// A random scene: 240 to 900 pixels a side, ratios of the sides up to 2.
    package init(using random: inout DemoRandom) {
        let (width, height) = Self.sides(using: &random)
        let colour = random.pick(Colour.allCases)
        let background = Background(
            colour: colour, texture: random.pick(Texture.allCases), frequency: random.number(in: 5...11),
            direction: random.below(4), grain: random.next())
        let shapeCount = 1 + random.below(3)
        var shapes: [Shape] = []
        while shapes.count < shapeCount {
            let shape = Self.shape(width: width, height: height, not: colour, using: &random)
            if !shapes.contains(where: { Self.touch($0, shape, width: width, height: height) }) { shapes.append(shape) }
        }
        self.init(width: width, height: height, background: background, shapes: shapes)
    }

    /// Mostly the ratios of cameras and screens, some odd ones, as on the web.
    private static func sides(using random: inout DemoRandom) -> (width: Int, height: Int) {
        let ratios = [1, 1, 1.25, 4.0 / 3, 4.0 / 3, 4.0 / 3, 1.5, 1.5, 16.0 / 9, random.number(in: 1...2)]
        let ratio = random.pick(ratios)
        let shorter = random.pick([240, 256, 300, 320, 360, 400, 450, 480, random.below(240) + 240])
        let longer = min(900, Int((Double(shorter) * ratio).rounded()))
        return random.below(3) == 0 ? (shorter, longer) : (longer, shorter)
    }

    private static func shape(width: Int, height: Int, not background: Colour, using random: inout DemoRandom) -> Shape
    {
        let size = random.pick(Size.allCases)
        let column = random.below(3)
        let row = random.below(3)
        return Shape(
            kind: random.pick(Kind.allCases), colour: random.pick(Colour.allCases.filter { $0 != background }),
            size: size, column: column, row: row,
            x: centre(of: column, side: width, other: height, using: &random),
            y: centre(of: row, side: height, other: width, using: &random),
            radius: size == .small ? random.number(in: 0.085...0.1) : random.number(in: 0.16...0.19),
            tilt: random.number(in: -0.09...0.09), shade: random.number(in: -1...1))
    }

    /// The middle of a third, off by a little.
    ///
    /// On a long side the thirds lie nearer to each other, so that a crop to a square, which is what a ranker sees, cuts no
    /// shape away.
    private static func centre(of third: Int, side: Int, other: Int, using random: inout DemoRandom) -> Double {
        let nearer = min(1, 1.2 * Double(other) / Double(side))
        return 0.5 + nearer * (0.28 * Double(third - 1) + random.number(in: -0.03...0.03))
    }

    private static func touch(_ one: Shape, _ other: Shape, width: Int, height: Int) -> Bool {
        let across = (one.x - other.x) * Double(width)
        let down = (one.y - other.y) * Double(height)
        let reach = 1.06 * (one.radius + other.radius) * Double(min(width, height))
        return across * across + down * down < reach * reach
    }
}
