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
