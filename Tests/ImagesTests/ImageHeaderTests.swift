import Foundation
import Images
import Testing

@Suite("The beginning of an image file") struct ImageHeaderTests {
    private let picture = PixelImage(width: 16, height: 12, rgb: [UInt8](repeating: 90, count: 16 * 12 * 3))

    @Test("of a JPEG may have comments and application segments that claim no length", arguments: [0, 1, 2])
    func emptySegments(_ length: UInt8) throws {
        let jpeg = try encodeJPEG(picture, quality: 90)
        let plain = try decode(jpeg, header: readHeader(jpeg), maxPixels: 1000)
        for marker in [0xfe, 0xe1, 0xe5, 0xef] as [UInt8] {
            let odd = Array(jpeg[..<2]) + [0xff, marker, 0, length] + Array(jpeg[2...])
            let header = try readHeader(odd)
            #expect(header.size == Size(width: 16, height: 12) && header.orientation == 1)
            let found = try decode(odd, header: header, maxPixels: 1000)
            #expect(found == plain, "marker \(marker)")
        }
        // A table of no length is no table.
        #expect(throws: ImageError.self) { try readHeader(Array(jpeg[..<2]) + [0xff, 0xdb, 0, 0] + Array(jpeg[2...])) }
    }

    @Test(
        "names the format that is not read, or what a server sent in the place of an image",
        arguments: [
            ("\0\0\0\u{20}ftypavif", "an AVIF image"), ("\0\0\0\u{20}ftypheic", "a HEIF image"),
            ("II*\0", "a TIFF image"),
            ("MM\0*", "a TIFF image"), ("BM\u{10}\0\0\0\0\0\0\0", "a BMP image"),
            ("\0\0\0\u{c}jP  ", "a JPEG 2000 image"),
            ("\0\0\0\u{c}JXL ", "a JPEG XL image"), ("\0\0\0\u{20}ftypisom", "a video"), ("%PDF-1.4", "a PDF document"),
            ("\n<!DOCTYPE html>", "an HTML page"), ("<?xml version=\"1.0\"?>\n<svg", "an SVG drawing"),
            ("{}", "a JSON document"),
            ("", "no bytes"), ("hello", "no image format"),
        ])
    func foreign(_ start: String, _ name: String) {
        let error = #expect(throws: ImageError.self) { try readHeader(Array(start.utf8)) }
        #expect(error?.code == .notAnImage && error?.message.contains(name) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix("; this version reads JPEG, PNG, WebP and GIF") == true)
    }
}
