/// The encoders that the demonstration writes its images with.
package struct DemoEncoders: Sendable {
    /// Encodes pixels; the second argument is the quality, 1 to 100.
    package typealias Encoder = @Sendable (ScenePixels, Int) throws -> [UInt8]

    fileprivate let jpeg: Encoder
    fileprivate let png: Encoder
    fileprivate let webp: Encoder

    /// Encoders for the three formats; the one for PNG may ignore the quality.
    package init(jpeg: @escaping Encoder, png: @escaping Encoder, webp: @escaping Encoder) {
        self.jpeg = jpeg
        self.png = png
        self.webp = webp
    }
}

extension DemoRow {
    /// The bytes that the server answers with; nil where there is no such file.
    package func bytes(_ encoders: DemoEncoders) throws -> [UInt8]? {
        switch oddity {
        case .missing, .noURL: return nil
        case .empty: return []
        case .page:
            return Array("<!DOCTYPE html><html><head><title>403</title></head><body>Log in first</body></html>\n".utf8)
        case .truncated:
            let whole = try encoded(scene.rendered(), encoders)
            return Array(whole.prefix(whole.count * 3 / 5))
        case .turned:
            return Exif.tagged(try encoded(scene.rendered().turnedLeft(), encoders), orientation: 6)
        case .optedOut, .slow, .mislabelled, nil:
            return try encoded(scene.rendered(), encoders)
        }
    }

    private func encoded(_ pixels: ScenePixels, _ encoders: DemoEncoders) throws -> [UInt8] {
        switch format {
        case .jpeg: try encoders.jpeg(pixels, quality)
        case .png: try encoders.png(pixels, quality)
        case .webp: try encoders.webp(pixels, quality)
        }
    }
}

extension ScenePixels {
    /// The picture turned by 90 degrees against the clock.
    func turnedLeft() -> ScenePixels {
        var turned: [UInt8] = []
        turned.reserveCapacity(rgb.count)
        for x in (0..<width).reversed() {
            for y in 0..<height {
                turned += rgb[(y * width + x) * 3..<(y * width + x) * 3 + 3]
            }
        }
        return ScenePixels(width: height, height: width, rgb: turned)
    }
}

/// The one tag of Exif that the demonstration needs.
enum Exif {
    /// `jpeg` with an Exif segment that says how to turn it: 6 is by 90 degrees with the clock.
    static func tagged(_ jpeg: [UInt8], orientation: UInt8) -> [UInt8] {
        // A TIFF header, big-endian, with one directory of one entry: tag 0x0112, type SHORT, count 1.
        let tiff: [UInt8] =
            [0x4D, 0x4D, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
        let body = Array("Exif".utf8) + [0, 0] + tiff
        let segment: [UInt8] = [0xFF, 0xE1, 0, UInt8(body.count + 2)] + body
        return jpeg.prefix(2) + segment + jpeg.dropFirst(2)
    }
}
