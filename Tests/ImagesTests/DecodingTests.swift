import Images
import Samples
import Testing

private let limit = 1_000_000

@Suite("Decoding")
struct DecodingTests {
    @Test("equals Pillow, upright and on white, or refuses with the right code", arguments: try Goldens.files())
    func golden(_ file: Goldens.File) throws {
        let bytes = try file.bytes
        guard file.expected == "ok" else {
            let error = try #require(throws: ImageError.self) { try decode(bytes, maxPixels: limit) }
            #expect(error.code.rawValue == file.expected, "\(error)")
            return
        }
        let header = try readHeader(bytes)
        #expect(header.size == file.stored)
        #expect(header.orientation == file.orientation)
        let image = try decode(bytes, header: header, maxPixels: limit)
        #expect(image.size == header.orientedSize)
        #expect(try #require(difference(image.rgb, file.rgb)) <= file.tolerance)
    }

    @Test("never gives a picture of a file that was cut before its last pixel")
    func truncation() throws {
        for name in ["420.jpg", "progressive.jpg", "rgb.png", "lossy.webp", "lossless.webp", "plain.gif"] {
            let bytes = try Goldens.bytes(name)
            for count in stride(from: 0, to: bytes.count - 40, by: 97) {
                #expect(throws: ImageError.self, "\(name), \(count) bytes") {
                    try decode(Array(bytes.prefix(count)), maxPixels: limit)
                }
            }
        }
    }

    @Test("survives damaged bytes, and gives a picture of the header's size or an error")
    func damage() throws {
        for file in try Goldens.files() where file.expected == "ok" {
            let whole = try file.bytes
            for seed in 0..<40 {
                var bytes = whole
                for place in noise(seed: UInt64(seed), count: 12).chunked(by: 4) {
                    let at = (place[0] << 16 | place[1] << 8 | place[2]) % bytes.count
                    bytes[at] = UInt8(place[3])
                }
                guard let header = try? readHeader(bytes),  // damage to the header is as good
                    let image = try? decode(bytes, header: header, maxPixels: limit)
                else { continue }
                #expect(image.size == header.orientedSize, "\(file.name), seed \(seed)")
            }
        }
    }

    @Test("refuses a picture of one pixel more than allowed")
    func pixelLimit() throws {
        let bytes = try Goldens.bytes("rgb.png")
        #expect(try decode(bytes, maxPixels: 37 * 29).size == Size(width: 37, height: 29))
        #expect(throws: ImageError(.tooManyPixels, "37x29 pixels")) { try decode(bytes, maxPixels: 37 * 29 - 1) }
    }

    @Test("decodes JPEG at the smallest scale that still covers, also when it is turned")
    func covering() throws {
        let upright = try Goldens.bytes("orientation1.jpg")  // 40x24
        let turned = try Goldens.bytes("orientation6.jpg")  // 24x40 when upright
        func size(_ bytes: [UInt8], _ width: Int, _ height: Int) throws -> Size {
            try decodeReduced(bytes, covering: Size(width: width, height: height), maxPixels: limit).pixels.size
        }
        #expect(try size(upright, 41, 1) == Size(width: 40, height: 24))
        #expect(try size(upright, 21, 12) == Size(width: 40, height: 24))
        #expect(try size(upright, 20, 12) == Size(width: 20, height: 12))
        #expect(try size(upright, 10, 6) == Size(width: 10, height: 6))
        #expect(try size(upright, 1, 1) == Size(width: 5, height: 3))
        #expect(try size(turned, 12, 20) == Size(width: 12, height: 20))
        #expect(try size(turned, 20, 12) == Size(width: 24, height: 40))
    }

    @Test("maps each error to a reason that a sample is left out for")
    func rejections() {
        let reasons = ImageError.Code.allCases.map { ImageError($0, "why").rejection?.reason.rawValue }
        // Without memory the image is not to blame.
        #expect(reasons == ["not_an_image", "decode_error", "decode_error", "too_many_pixels", nil])
    }
}

@Suite("EXIF orientation")
struct EXIFTests {
    /// A PNG header with `exif`, which nothing but `readHeader` would accept.
    private func orientation(_ exif: [UInt8]) throws -> Int {
        let header: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0]
        func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
            [0, 0, 0, UInt8(body.count)] + Array(kind.utf8) + body + [0, 0, 0, 0]
        }
        let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
        return try readHeader(signature + chunk("IHDR", header) + chunk("eXIf", exif)).orientation
    }

    private func entry(value: UInt8, tag: [UInt8] = [0x12, 1], type: UInt8 = 3) -> [UInt8] {
        [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0] + tag + [type, 0, 1, 0, 0, 0, value, 0, 0, 0]
    }

    @Test("is read as a short or a long number from 1 to 8, and is 1 otherwise")
    func values() throws {
        for value: UInt8 in 1...8 {
            #expect(try orientation(entry(value: value)) == Int(value))
            #expect(try orientation(entry(value: value, type: 4)) == Int(value))
        }
        #expect(try orientation(entry(value: 0)) == 1)
        #expect(try orientation(entry(value: 9)) == 1)
        #expect(try orientation(entry(value: 6, type: 2)) == 1)
        #expect(try orientation(entry(value: 6, tag: [0x13, 1])) == 1)
    }

    @Test("is 1 where the data are cut off or point outside themselves")
    func hostile() throws {
        let whole = entry(value: 6)
        for count in 0..<whole.count - 2 { #expect(try orientation(Array(whole.prefix(count))) == 1) }
        var far = whole
        far.replaceSubrange(4..<8, with: [255, 255, 255, 255])
        #expect(try orientation(far) == 1)
        #expect(try orientation(Array("Exif".utf8)) == 1)
        #expect(try orientation(Array("Exif\0".utf8)) == 1)
    }
}

extension [UInt8] {
    fileprivate func chunked(by size: Int) -> [[Int]] {
        stride(from: 0, to: count - size + 1, by: size).map { start in self[start..<start + size].map(Int.init) }
    }
}
