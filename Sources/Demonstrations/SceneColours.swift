import RandomNumbers

extension Scene {
    /// A colour in numbers, each part from 0 to 255.
    struct Tone: Hashable, Sendable {
        let red: Double, green: Double, blue: Double

        init(_ red: Double, _ green: Double, _ blue: Double) {
            (self.red, self.green, self.blue) = (red, green, blue)
        }

        func mixed(with other: Tone, _ share: Double) -> Tone {
            Tone(
                red + (other.red - red) * share, green + (other.green - green) * share,
                blue + (other.blue - blue) * share)
        }
    }
}

extension Scene.Colour {
    /// The middle of the colour, as shapes wear it.
    private var middle: Scene.Tone {
        switch self {
        case .red: Scene.Tone(214, 35, 42)
        case .orange: Scene.Tone(245, 140, 25)
        case .yellow: Scene.Tone(247, 222, 60)
        case .green: Scene.Tone(40, 155, 70)
        case .blue: Scene.Tone(35, 95, 205)
        case .purple: Scene.Tone(132, 55, 170)
        case .black: Scene.Tone(22, 22, 24)
        case .white: Scene.Tone(248, 248, 248)
        case .gray: Scene.Tone(135, 137, 140)
        }
    }

    /// What a shape is filled with; `shade` from −1, darker, to 1, lighter.
    func fill(shade: Double) -> Scene.Tone {
        middle.mixed(with: shade < 0 ? Scene.Tone(0, 0, 0) : Scene.Tone(255, 255, 255), 0.09 * abs(shade))
    }

    /// The two tones of a background, both plainly of the colour.
    var tones: (dark: Scene.Tone, light: Scene.Tone) {
        let calm = middle.mixed(with: Scene.Tone(150, 150, 150), self == .white || self == .black ? 0 : 0.12)
        let (darker, lighter) = self == .black ? (0.0, 0.16) : self == .white ? (0.13, 0.2) : (0.2, 0.2)
        return (calm.mixed(with: Scene.Tone(0, 0, 0), darker), calm.mixed(with: Scene.Tone(255, 255, 255), lighter))
    }
}

extension Scene.Background {
    /// Where the pixel stands between the dark tone, 0, and the light one, 1, in a picture whose shorter side is `side`.
    func tone(x: Int, y: Int, side: Int) -> Double {
        let (x, y, side) = (Double(x) + 0.5, Double(y) + 0.5, Double(side))
        switch texture {
        case .striped:
            let along = [x, y, (x + y) * 0.7, (x - y) * 0.7][direction]
            return wave(along, side: side)
        case .checkered:
            let (across, down) = (wave(x, side: side), wave(y, side: side))
            return across + down - 2 * across * down
        case .shaded:
            let along = [x, y, (x + y) / 2, (x + side - y) / 2][direction] / side
            return min(1, max(0, along * 0.9))
        case .grainy:
            let cell = max(1, side / 48)
            let coarse = noise(Int(x / cell), Int(y / cell), salt: 1)
            return 0.7 * coarse + 0.3 * noise(Int(x), Int(y), salt: 2)
        }
    }

    /// A square wave with soft edges about two pixels wide.
    private func wave(_ along: Double, side: Double) -> Double {
        let position = along * frequency / side
        let phase = position - position.rounded(.down)
        let triangle = abs(phase - 0.5) * 2  // 1, down to 0, up to 1 again
        return min(1, max(0, (triangle - 0.5) * side / frequency / 2 + 0.5))
    }

    private func noise(_ x: Int, _ y: Int, salt: UInt64) -> Double {
        let place = UInt64(truncatingIfNeeded: x) &* 0x9E37_79B9 ^ UInt64(truncatingIfNeeded: y) << 32 ^ salt << 60
        return SplitMix64.mixed(SplitMix64.mixed(place) ^ grain).unitInterval
    }
}
