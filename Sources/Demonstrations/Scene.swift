/// A picture that is known completely: one to three coloured shapes on a textured background.
package struct Scene: Hashable, Sendable, Codable {
    /// The colours, of shapes and of backgrounds; the raw value is the word.
    package enum Colour: String, Sendable, Codable, CaseIterable {
        case red, orange, yellow, green, blue, purple, black, white, gray
    }

    /// What a shape is; the raw value is the word.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case circle, square, triangle, star, ring, cross, diamond, heart
    }

    /// How large a shape is, beside the shorter side of its picture.
    package enum Size: String, Sendable, Codable, CaseIterable {
        case small, large
    }

    /// What a background looks like; the raw value is the word.
    package enum Texture: String, Sendable, Codable, CaseIterable {
        case grainy, striped, shaded, checkered
    }

    /// What lies behind the shapes.
    package struct Background: Hashable, Sendable, Codable {
        /// The colour of both its tones.
        package let colour: Colour
        /// How the tones alternate.
        package let texture: Texture
        /// How often they do along the shorter side.
        package let frequency: Double
        /// Which way: 0 across, 1 down, 2 and 3 diagonally.
        package let direction: Int
        /// The noise of a grainy background.
        package let grain: UInt64
    }

    /// One shape.
    package struct Shape: Hashable, Sendable, Codable {
        /// What it is.
        package let kind: Kind
        /// The colour it is filled with.
        package let colour: Colour
        /// How large it is.
        package let size: Size
        /// The third of the picture it stands in: 0 left, 1 middle, 2 right.
        package let column: Int
        /// The third of the picture it stands in: 0 top, 1 middle, 2 bottom.
        package let row: Int
        /// Its centre, as fractions of width and height.
        package let x: Double, y: Double
        /// From its centre to its farthest point, as a fraction of the shorter side.
        package let radius: Double
        /// The tangent of half the angle it is turned by; within ±0.09, which is ±10 degrees.
        package let tilt: Double
        /// How far its colour departs from the colour's middle, from −1 to 1.
        package let shade: Double
    }

    /// Pixels.
    package let width: Int
    /// Pixels.
    package let height: Int
    /// What lies behind the shapes.
    package let background: Background
    /// One to three, none touching another, in the order they were drawn.
    package let shapes: [Shape]

    /// Pixels of the shorter side.
    package var shorterSide: Int { min(width, height) }
}
