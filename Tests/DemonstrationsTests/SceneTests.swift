import Foundation
import Testing

@testable import Demonstrations

@Suite("Scenes")
struct SceneTests {
    @Test("are the same for the same seed and number, and differ otherwise")
    func seeded() {
        #expect(Scene(seed: 3, index: 8) == Scene(seed: 3, index: 8))
        #expect(Scene(seed: 3, index: 8).rendered() == Scene(seed: 3, index: 8).rendered())
        #expect(Set((0..<100).map { Scene(seed: 3, index: $0) }).count == 100)
        #expect(Scene(seed: 3, index: 8) != Scene(seed: 4, index: 8))
    }

    @Test("draw the same bytes as they always did")
    func pinned() {
        // FNV-1a over the pixels: a change here changes every demonstration data set.
        let sum = Scene(seed: 1, index: 1).rendered().rgb.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        #expect(String(sum, radix: 16) == "9bf020d8da777ccf")
    }

    @Test("keep their shapes whole, apart, in their thirds, and inside a crop to a square")
    func geometry() throws {
        for index in 0..<400 {
            let scene = Scene(seed: 11, index: index)
            #expect(
                240...900 ~= scene.width && 240...900 ~= scene.height && 1...3 ~= scene.shapes.count, "scene \(index)")
            for shape in scene.shapes {
                let side = Double(scene.shorterSide)
                for (place, third, length) in [
                    (shape.x, shape.column, Double(scene.width)), (shape.y, shape.row, Double(scene.height)),
                ] {
                    let margin = (length - side) / 2
                    #expect(abs(place * length - length / 2) < length / 2 - shape.radius * side, "scene \(index)")
                    #expect(place * length > margin && place * length < length - margin, "scene \(index)")
                    #expect((third == 0) == (place < 0.4) && (third == 2) == (place > 0.6), "scene \(index)")
                }
                #expect(shape.colour != scene.background.colour)
            }
        }
    }

    @Test("show each shape's colour at its centre, but for rings", arguments: 0..<24)
    func colours(index: Int) throws {
        let scene = Scene(seed: 5, index: index)
        let pixels = scene.rendered()
        #expect(pixels.rgb.count == scene.width * scene.height * 3)
        for shape in scene.shapes where shape.kind != .ring {
            let start = (Int(shape.y * Double(scene.height)) * scene.width + Int(shape.x * Double(scene.width))) * 3
            let seen = pixels.rgb[start..<start + 3].map(Double.init)
            let fill = shape.colour.fill(shade: shape.shade)
            #expect(zip(seen, [fill.red, fill.green, fill.blue]).allSatisfy { abs($0 - $1) <= 0.5 })
        }
    }

    @Test("have shapes of the area that their names promise")
    func areas() {
        let cells = 160
        func share(_ kind: Scene.Kind) -> Double {
            var inside = 0
            for cell in 0..<cells * cells {
                let x = (Double(cell % cells) + 0.5) / Double(cells) * 2 - 1
                let y = (Double(cell / cells) + 0.5) / Double(cells) * 2 - 1
                if kind.contains(x, y) { inside += 1 }
            }
            return Double(inside) / Double(cells * cells) * 4
        }
        let expected: [Scene.Kind: Double] = [
            .circle: .pi * 0.85, .square: 1.96, .triangle: 1.5 * 1.5 / 1.7, .ring: .pi * 0.7, .diamond: 2 * 0.68,
            .cross: 2 * 1.9 * 0.56 - 0.56 * 0.56, .star: 1.1226,
        ]
        for (kind, area) in expected { #expect(abs(share(kind) - area) < 0.04, "\(kind): \(share(kind))") }
        #expect(2...3 ~= share(.heart))
    }
}
