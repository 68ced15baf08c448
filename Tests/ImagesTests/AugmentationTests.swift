import Foundation
import Images
import TestSupport
import Testing

@Suite("Augmentation") struct AugmentationTests {
    /// One operation of LAVIS's `randaugment.py`; `Goldens/make_loader_goldens.py` writes them.
    struct Golden: Sendable, CustomTestStringConvertible {
        let name: String
        let value: Double
        let source: PixelImage
        let rgb: [UInt8]

        var testDescription: String { "\(name) \(value) of \(source.width)x\(source.height)" }

        /// What is to be equal to it.
        var made: PixelImage? {
            switch name {
            case "autocontrast": source.autoContrasted
            case "equalize": source.equalized
            case "brightness": source.brightened(by: value)
            case "sharpness": source.sharpened(by: value)
            case "shear_x": source.moved(.shearX(value))
            case "shear_y": source.moved(.shearY(value))
            // The reference moves the picture the other way; chance chooses the way.
            case "translate_x": source.moved(.translateX(-value))
            case "translate_y": source.moved(.translateY(-value))
            case "rotate": source.moved(.rotate(value))
            default: nil
            }
        }
    }

    static func goldens() throws -> [Golden] {
        func bytes(_ name: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: Project.root + "/Tests/Goldens/loader/" + name)))
        }
        var pixels = try bytes("augment.rgb")[...]
        return try String(decoding: bytes("augment.tsv"), as: UTF8.self).split(separator: "\n").map { line in
            let row = line.split(separator: "\t")
            let (width, height) = (try #require(Int(row[3])), try #require(Int(row[4])))
            let seed = try #require(UInt64(row[2]))
            let rgb = Array(pixels.prefix(width * height * 3))
            pixels = pixels.dropFirst(rgb.count)
            return Golden(
                name: String(row[0]), value: try #require(Double(row[1])), source: source(seed, width, height), rgb: rgb
            )
        }
    }

    private static func source(_ seed: UInt64, _ width: Int, _ height: Int) -> PixelImage {
        let grain = noise(seed: seed, count: width * height * 3)
        let rgb = (0..<width * height).flatMap { place in
            let (x, y) = (place % width, place / width)
            let gradient = [x * 110 / width, y * 110 / height, (x + y) * 110 / (width + height)]
            return (0..<3).map { UInt8(gradient[$0] + Int(grain[place * 3 + $0]) / 4 + 40) }
        }
        return PixelImage(width: width, height: height, rgb: rgb)
    }

    @Test("equals the reference's operations to one level", arguments: try goldens())
    func golden(_ golden: Golden) throws {
        let made = try #require(golden.made)
        #expect(made.size == golden.source.size)
        #expect(try #require(difference(made.rgb, golden.rgb)) <= 1)
        #expect(zip(made.rgb, golden.rgb).count { $0 != $1 } <= made.rgb.count / 100)
    }

    @Test("mirrors a picture to itself in two turns")
    func mirrored() throws {
        let image = PixelImage(width: 3, height: 1, rgb: [1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(image.mirrored.rgb == [7, 8, 9, 4, 5, 6, 1, 2, 3])
        #expect(image.mirrored.mirrored == image)
    }
}
