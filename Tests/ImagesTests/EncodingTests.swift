import Images
import Testing

@Suite("Encoding")
struct EncodingTests {
    private func golden(_ name: String) throws -> PixelImage {
        try decode(try Goldens.bytes(name), maxPixels: 1_000_000)
    }

    @Test("gives back the pixels of a PNG")
    func png() throws {
        let image = try golden("rgb.png")
        let bytes = try encodePNG(image)
        #expect(ImageFormat(magicBytesOf: bytes) == .png)
        #expect(try decode(bytes, maxPixels: 1_000_000) == image)
    }

    @Test("gives JPEG with halved chroma, close to the picture, better with a higher quality")
    func jpeg() throws {
        let image = try golden("420.jpg")
        let fine = try encodeJPEG(image, quality: 95)
        let coarse = try encodeJPEG(image, quality: 30)
        #expect(coarse.count < fine.count)
        #expect(try meanError(image, fine) < 6)
        #expect(try meanError(image, fine) < meanError(image, coarse))
        let frame = try #require(fine.indices.first { fine[$0] == 0xff && fine[$0 + 1] == 0xc0 })
        #expect(fine[frame + 11] == 0x22, "2x2 luma samples for each of chroma")
    }

    @Test("gives WebP close to the picture, better with a higher quality")
    func webp() throws {
        let image = try golden("lossless.webp")
        let bytes = try encodeWebP(image, quality: 95)
        #expect(ImageFormat(magicBytesOf: bytes) == .webp)
        #expect(try meanError(image, bytes) < 10)
        #expect(try meanError(image, bytes) < meanError(image, encodeWebP(image, quality: 20)))
    }

    @Test("gives the same bytes each time")
    func determinism() throws {
        let image = try golden("444.jpg")
        #expect(try encodeJPEG(image, quality: 95) == encodeJPEG(image, quality: 95))
        #expect(try encodeWebP(image, quality: 80) == encodeWebP(image, quality: 80))
        #expect(try encodePNG(image) == encodePNG(image))
    }

    @Test("refuses a side that the format cannot hold")
    func tooLong() throws {
        let line = PixelImage(width: 65_501, height: 1, rgb: [UInt8](repeating: 0, count: 65_501 * 3))
        for encode in [encodeJPEG, encodeWebP] {
            let error = #expect(throws: ImageError.self) { try encode(line, 90) }
            #expect(error?.code == .unsupported)
        }
    }

    private func meanError(_ image: PixelImage, _ bytes: [UInt8]) throws -> Double {
        let decoded = try decode(bytes, maxPixels: 1_000_000)
        let sum = zip(image.rgb, decoded.rgb).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        return Double(sum) / Double(image.rgb.count)
    }
}
