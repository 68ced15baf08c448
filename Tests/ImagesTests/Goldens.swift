import Foundation
import Images
import RandomNumbers
import Testing

/// What Pillow makes of the files and resizes in `Goldens/images/`; `Goldens/images.py` writes them.
enum Goldens {
    /// A file in `Goldens/images/`, and what is expected of it.
    struct File: Sendable, CustomTestStringConvertible {
        let name: String
        /// `ok`, or the code of the error.
        let expected: String
        let tolerance: Int
        let stored: Size
        let orientation: Int
        /// The upright pixels; empty where the file is refused.
        let rgb: [UInt8]

        var testDescription: String { name }
        var bytes: [UInt8] { get throws { try Goldens.bytes(name) } }
    }

    /// A resize of noise.
    struct Resize: Sendable, CustomTestStringConvertible {
        let kind: String
        let seed: UInt64
        let source: Size
        let result: PixelImage

        var testDescription: String { "\(kind) \(source) -> \(result.size)" }
        var image: PixelImage {
            PixelImage(
                width: source.width, height: source.height,
                rgb: noise(seed: seed, count: source.width * source.height * 3))
        }
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: tests.appendingPathComponent("Goldens/images/\(name)")))
    }

    static func files() throws -> [File] {
        var pixels = try bytes("decode.rgb")[...]
        return try table("decode.tsv").map { row in
            let stored = Size(width: number(row[3]), height: number(row[4]))
            let rgb = Array(pixels.prefix(stored.width * stored.height * 3))
            pixels = pixels.dropFirst(rgb.count)
            return File(
                name: row[0], expected: row[1], tolerance: number(row[2]), stored: stored, orientation: number(row[5]),
                rgb: rgb)
        }
    }

    static func resizes() throws -> [Resize] {
        var pixels = try bytes("resize.rgb")[...]
        return try table("resize.tsv").map { row in
            let size = Size(width: number(row[4]), height: number(row[5]))
            let rgb = Array(pixels.prefix(size.width * size.height * 3))
            pixels = pixels.dropFirst(rgb.count)
            return Resize(
                kind: row[0], seed: UInt64(number(row[1])), source: Size(width: number(row[2]), height: number(row[3])),
                result: PixelImage(width: size.width, height: size.height, rgb: rgb))
        }
    }

    /// Noise, with its perceptual hash as numpy makes it.
    static func hashes() throws -> [(image: PixelImage, hash: UInt64)] {
        try table("hashes.tsv").map { row in
            let (width, height) = (number(row[1]), number(row[2]))
            let rgb = noise(seed: UInt64(number(row[0])), count: width * height * 3)
            return (PixelImage(width: width, height: height, rgb: rgb), try #require(UInt64(row[3], radix: 16)))
        }
    }

    private static func table(_ name: String) throws -> [[String]] {
        String(decoding: try bytes(name), as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: "\t").map(String.init)
        }
    }

    private static func number(_ text: String) -> Int {
        guard let number = Int(text) else { preconditionFailure("no number: \(text)") }
        return number
    }
}

/// The lowest bytes of SplitMix64: the same in `Goldens/images.py`.
func noise(seed: UInt64, count: Int) -> [UInt8] {
    var numbers = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
}

/// The largest difference of two rows of bytes; nil where they are not of one length.
func difference(_ left: [UInt8], _ right: [UInt8]) -> Int? {
    guard left.count == right.count else { return nil }
    return zip(left, right).map { abs(Int($0) - Int($1)) }.max() ?? 0
}
