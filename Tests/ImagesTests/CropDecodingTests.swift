import Images
import RandomNumbers
import Testing

@Suite("Decoding a part of an image") struct CropDecodingTests {
    static let names = [
        "420.jpg", "422.jpg", "444.jpg", "gray.jpg", "progressive.jpg", "restarts.jpg", "cmyk.jpg", "ycck.jpg",
        "orientation6.jpg", "rgb.png", "lossy.webp", "plain.gif",
    ]

    private func crop(of size: Size, _ random: inout SplitMix64) -> PixelRectangle {
        let (width, height) = (1 + random.below(size.width), 1 + random.below(size.height))
        return PixelRectangle(
            x: random.below(size.width - width + 1), y: random.below(size.height - height + 1),
            size: Size(width: width, height: height))
    }

    @Test("gives the pixels that cutting the whole picture gives, wherever the part is", arguments: names)
    func equalsCut(_ name: String) throws {
        let bytes = try Goldens.bytes(name)
        try expectEqual(bytes, name, rounds: 60)
    }

    @Test("gives the same of larger pictures of every kind of chroma", arguments: [35, 95])
    func largerPictures(_ quality: Int) throws {
        for (width, height) in [(97, 71), (128, 64), (161, 130)] {
            let rgb = noise(seed: UInt64(width), count: width * height * 3).enumerated().map { place, byte in
                UInt8((place / 3 % width * 255 / width + place / 3 / width * 199 / height + Int(byte) / 5) % 256)
            }
            let bytes = try encodeJPEG(PixelImage(width: width, height: height, rgb: rgb), quality: quality)
            try expectEqual(bytes, "\(width)x\(height)", rounds: 80)
        }
    }

    /// A part that is not larger than its result is decoded at the full size.
    private func expectEqual(_ bytes: [UInt8], _ name: String, rounds: Int) throws {
        let header = try readHeader(bytes)
        let whole = try decode(bytes, header: header, maxPixels: 1 << 20)
        for seed in 0..<UInt64(rounds) {
            var random = SplitMix64(seed: seed)
            let part = crop(of: whole.size, &random)
            let made = try decodeCrop(bytes, header: header, part, to: part.size, maxPixels: 1 << 20)
            try #require(made == whole.cut(to: part), "\(name), seed \(seed): \(part)")
            let scaled = try decodeCrop(
                bytes, header: header, part, to: Size(width: part.size.width + 3, height: 9), maxPixels: 1 << 20)
            let expected = resizeBicubic(whole.cut(to: part), width: part.size.width + 3, height: 9)
            try #require(scaled == expected, "\(name), seed \(seed): \(part), scaled")
        }
    }

    @Test("is near what the whole picture gives where it is decoded at a fraction of its size")
    func reduced() throws {
        let (width, height) = (320, 240)
        let rgb = (0..<width * height).flatMap { place in
            let (x, y) = (place % width, place / width)
            return [UInt8(x * 255 / width), UInt8(y * 255 / height), UInt8((x * y / 64) % 200)]
        }
        let bytes = try encodeJPEG(PixelImage(width: width, height: height, rgb: rgb), quality: 95)
        let header = try readHeader(bytes)
        let whole = try decode(bytes, header: header, maxPixels: 1 << 20)
        for seed in 0..<40 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let part = PixelRectangle(
                x: random.below(100), y: random.below(80), size: Size(width: 150 + random.below(70), height: 160))
            let made = try decodeCrop(
                bytes, header: header, part, to: Size(width: 40, height: 32), maxPixels: 1 << 20)
            let expected = resizeBicubic(whole.cut(to: part), width: 40, height: 32)
            let errors = zip(made.rgb, expected.rgb).map { abs(Int($0) - Int($1)) }
            let mean = Double(errors.reduce(0, +)) / Double(errors.count)
            #expect(mean < 1.5, "seed \(seed): \(mean)")
        }
    }
}
