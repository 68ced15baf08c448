/// Pixels in RGB, three bytes a pixel, row by row from the top.
package struct ScenePixels: Hashable, Sendable {
    /// Pixels.
    package let width: Int
    /// Pixels.
    package let height: Int
    /// `width × height × 3` bytes.
    package var rgb: [UInt8]
}

extension Scene {
    /// Draws the scene, edges smoothed by sixteen samples a pixel.
    ///
    /// Only additions, multiplications, divisions and square roots take part, so the bytes are the same on every machine.
    package func rendered() -> ScenePixels {
        var pixels = ScenePixels(width: width, height: height, rgb: Array(repeating: 0, count: width * height * 3))
        let tones = background.colour.tones
        for y in 0..<height {
            for x in 0..<width {
                let tone = background.tone(x: x, y: y, side: shorterSide)
                pixels.set(tones.dark.mixed(with: tones.light, tone), x: x, y: y)
            }
        }
        for shape in shapes { draw(shape, on: &pixels) }
        return pixels
    }

    private func draw(_ shape: Shape, on pixels: inout ScenePixels) {
        let radius = shape.radius * Double(shorterSide)
        let (left, top) = (shape.x * Double(width), shape.y * Double(height))
        let squared = shape.tilt * shape.tilt
        let (cosine, sine) = ((1 - squared) / (1 + squared), 2 * shape.tilt / (1 + squared))
        func contains(_ x: Double, _ y: Double) -> Bool {
            let (across, down) = ((x - left) / radius, (y - top) / radius)
            return shape.kind.contains(across * cosine + down * sine, down * cosine - across * sine)
        }
        /// The share of a pixel inside: where its corners agree, they decide.
        func coverage(_ x: Int, _ y: Int) -> Double {
            let (x, y) = (Double(x), Double(y))
            let corner = contains(x, y)
            if contains(x + 1, y) == corner, contains(x, y + 1) == corner, contains(x + 1, y + 1) == corner {
                return corner ? 1 : 0
            }
            var hits = 0
            for sample in 0..<16 where contains(x + (Double(sample % 4) + 0.5) / 4, y + (Double(sample / 4) + 0.5) / 4)
            {
                hits += 1
            }
            return Double(hits) / 16
        }
        let colour = shape.colour.fill(shade: shape.shade)
        for y in max(0, Int(top - radius) - 1)..<min(height, Int(top + radius) + 2) {
            for x in max(0, Int(left - radius) - 1)..<min(width, Int(left + radius) + 2) {
                let share = coverage(x, y)
                if share > 0 { pixels.blend(colour, share: share, x: x, y: y) }
            }
        }
    }
}

extension ScenePixels {
    fileprivate mutating func blend(_ colour: Scene.Tone, share: Double, x: Int, y: Int) {
        let start = (y * width + x) * 3
        let below = Scene.Tone(Double(rgb[start]), Double(rgb[start + 1]), Double(rgb[start + 2]))
        set(below.mixed(with: colour, share), x: x, y: y)
    }

    fileprivate mutating func set(_ colour: Scene.Tone, x: Int, y: Int) {
        let start = (y * width + x) * 3
        rgb[start] = colour.red.byte
        rgb[start + 1] = colour.green.byte
        rgb[start + 2] = colour.blue.byte
    }
}

extension Double {
    fileprivate var byte: UInt8 { UInt8(min(255, max(0, self + 0.5))) }
}

extension Scene.Kind {
    /// Whether the point lies in the shape of radius 1 around the origin, `y` growing downwards.
    func contains(_ x: Double, _ y: Double) -> Bool {
        let squared = x * x + y * y
        return switch self {
        case .circle: squared <= 0.85
        case .square: abs(x) <= 0.7 && abs(y) <= 0.7
        case .triangle: y <= 0.55 && y >= -0.95 + 1.7 * abs(x)
        case .star: Self.starContains(x, y)
        case .ring: squared <= 1 && squared >= 0.3
        case .cross: (abs(x) <= 0.28 && abs(y) <= 0.95) || (abs(y) <= 0.28 && abs(x) <= 0.95)
        case .diamond: abs(x) / 0.68 + abs(y) <= 1
        case .heart: Self.heartContains(1.15 * x, 0.25 - 1.15 * y)
        }
    }

    /// Five points; inside is where at least four of the pentagram's five edges have the point on their inner side.
    private static func starContains(_ x: Double, _ y: Double) -> Bool {
        // The edges' normals: 90, 18, −54, −126 and 162 degrees; their distance is cos 72°.
        let normals = [
            (0.0, 1.0), (0.951_056_516_295_153_5, 0.309_016_994_374_947_45),
            (0.587_785_252_292_473_1, -0.809_016_994_374_947_5), (-0.587_785_252_292_473_1, -0.809_016_994_374_947_5),
            (-0.951_056_516_295_153_5, 0.309_016_994_374_947_45),
        ]
        var inside = 0
        for normal in normals where normal.0 * x + normal.1 * y <= 0.309_016_994_374_947_45 { inside += 1 }
        return inside >= 4
    }

    /// The sextic heart `(x² + y² − 1)³ ≤ x²y³`, `y` growing upwards.
    private static func heartContains(_ x: Double, _ y: Double) -> Bool {
        let body = x * x + y * y - 1
        return body * body * body <= x * x * y * y * y
    }
}
