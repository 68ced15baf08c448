import Images
import Testing

@Suite("A perceptual hash")
struct PerceptualHashTests {
    @Test("is that of another implementation, bit for bit")
    func golden() throws {
        let goldens = try Goldens.hashes()
        #expect(goldens.count == 6)
        for golden in goldens { #expect(perceptualHash(golden.image) == golden.hash) }
    }

    @Test("stays when a picture is scaled and encoded anew, and differs between pictures")
    func copies() throws {
        let pictures = (0..<20).map { patches(seed: $0) }
        let hashes = pictures.map(perceptualHash)
        for (picture, hash) in zip(pictures, hashes) {
            let half = resizeBicubic(picture, width: 120, height: 90)
            let bytes = try encodeJPEG(half, quality: 60)
            let copy = try decode(bytes, maxPixels: 1_000_000)
            #expect((perceptualHash(copy) ^ hash).nonzeroBitCount <= 3)
        }
        for (index, hash) in hashes.enumerated() {
            for other in hashes[..<index] { #expect((hash ^ other).nonzeroBitCount > 3) }
        }
    }

    @Test("of one colour says that there is nothing to see, whatever the colour")
    func flat() {
        for value in [1, 100, 255] as [UInt8] {
            let image = PixelImage(width: 50, height: 40, rgb: [UInt8](repeating: value, count: 6000))
            #expect(perceptualHash(image) == 1 << 63)
        }
    }

    /// 240×180 pixels of smooth noise.
    private func patches(seed: UInt64) -> PixelImage {
        resizeBicubic(PixelImage(width: 8, height: 6, rgb: noise(seed: seed, count: 144)), width: 240, height: 180)
    }
}
