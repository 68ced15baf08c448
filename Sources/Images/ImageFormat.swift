/// A file format that is read here.
package enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg, png, webp, gif

    /// The format that the first bytes say; names and media types are not asked, they are often wrong.
    package init?(magicBytesOf bytes: [UInt8]) {
        if bytes.starts(with: [0xff, 0xd8, 0xff]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
            self = .png
        } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            self = .webp
        } else if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) {
            self = .gif
        } else {
            return nil
        }
    }

    /// The usual end of a file's name, without a dot.
    package var fileExtension: String { self == .jpeg ? "jpg" : rawValue }
}

/// What `bytes` are that begin as no format read here, as a person says it: an image of another kind, or what servers send in
/// the place of one.
func foreignFormat(_ bytes: [UInt8]) -> String {
    let start = Bytes(Array(bytes.prefix(512)))
    func begins(_ magic: [UInt8], at place: Int = 0) -> Bool { bytes.dropFirst(place).starts(with: magic) }
    if bytes.isEmpty { return "no bytes" }
    if start.text(4, 4) == "ftyp", let brand = start.text(8, 4) {
        switch brand {
        case "avif", "avis": return "an AVIF image"
        case "heic", "heix", "hevc", "heim", "heis", "mif1", "msf1": return "a HEIF image"
        case "jxl ": return "a JPEG XL image"
        default: return "a video, or a file of its kind (\(brand.filter { $0.isASCII && $0.isLetter || $0.isNumber }))"
        }
    }
    if begins([0xff, 0x0a]) || start.text(4, 4) == "JXL " { return "a JPEG XL image" }
    if start.text(4, 4) == "jP  " || begins([0xff, 0x4f, 0xff, 0x51]) { return "a JPEG 2000 image" }
    if begins([0x49, 0x49, 0x2a, 0]) || begins([0x4d, 0x4d, 0, 0x2a]) { return "a TIFF image" }
    if begins(Array("BM".utf8)), start.little32(6) == 0 { return "a BMP image" }
    if begins([0, 0, 1, 0]) { return "an ICO image" }
    if begins(Array("8BPS".utf8)) { return "a Photoshop image" }
    if begins(Array("%PDF".utf8)) { return "a PDF document" }
    if begins([0x1f, 0x8b]) { return "gzip-compressed data" }
    if begins(Array("PK\u{3}\u{4}".utf8)) { return "a zip archive" }
    let text = String(decoding: bytes.prefix(512), as: UTF8.self).lowercased().drop {
        $0.isWhitespace || $0 == "\u{feff}"
    }
    if text.hasPrefix("<svg") || text.hasPrefix("<?xml") && text.contains("<svg") { return "an SVG drawing" }
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<head") { return "an HTML page" }
    if text.hasPrefix("<?xml") { return "an XML document" }
    if text.hasPrefix("{") || text.hasPrefix("[") { return "a JSON document" }
    return "the first bytes are of no image format that is known"
}
