/// What the first bytes of an image say about it.
package struct ImageHeader: Sendable, Equatable {
    /// The file format, by its magic bytes.
    package let format: ImageFormat
    /// Pixels across as stored, before the orientation is applied; of an animation: of its canvas.
    package let width: Int
    /// Pixels down as stored.
    package let height: Int
    /// How the stored pixels must be turned to be upright: EXIF's 1 to 8, 1 where nothing valid is said.
    package let orientation: Int

    /// Both sides as stored.
    package var size: Size { Size(width: width, height: height) }
    /// Both sides of the upright picture.
    package var orientedSize: Size { orientation > 4 ? size.turned : size }
    /// Pixels across of the upright picture.
    package var orientedWidth: Int { orientedSize.width }
    /// Pixels down of the upright picture.
    package var orientedHeight: Int { orientedSize.height }
}

/// Reads format, size and orientation of an image file.
///
/// Decodes nothing and takes no memory for pixels. The size is a claim: the pixels may still be damaged.
/// - Throws: `notAnImage`, `damaged` where the header is cut off or contradicts itself.
package func readHeader(_ bytes: [UInt8]) throws(ImageError) -> ImageHeader {
    guard let format = ImageFormat(magicBytesOf: bytes) else {
        throw ImageError(.notAnImage, foreignFormat(bytes) + "; this version reads JPEG, PNG, WebP and GIF")
    }
    let fields = Bytes(bytes)
    let found =
        switch format {
        case .jpeg: jpegFields(fields)
        case .png: pngFields(fields)
        case .webp: webpFields(fields)
        case .gif: gifFields(fields)
        }
    guard let found, found.size.width > 0, found.size.height > 0 else {
        throw ImageError(.damaged, "the \(format.rawValue) header is cut off or corrupt")
    }
    return ImageHeader(
        format: format, width: found.size.width, height: found.size.height,
        orientation: found.exif.flatMap { exifOrientation(fields.slice($0)) } ?? 1)
}

/// What a format's own walk over the header finds: the stored size, and where EXIF data lie.
struct HeaderFields {
    var size: Size
    var exif: Range<Int>?
}

/// PNG: IHDR comes first; eXIf may stand before or behind the pixels.
private func pngFields(_ bytes: Bytes) -> HeaderFields? {
    guard bytes.text(12, 4) == "IHDR", let width = bytes.big32(16), let height = bytes.big32(20),
        max(width, height) <= Int(Int32.max)  // the format's own limit
    else { return nil }
    var fields = HeaderFields(size: Size(width: width, height: height))
    var chunk = 8
    while fields.exif == nil, let length = bytes.big32(chunk), let kind = bytes.text(chunk + 4, 4), kind != "IEND" {
        if kind == "eXIf" { fields.exif = chunk + 8..<chunk + 8 + length }
        chunk += 12 + length
    }
    return fields
}

/// GIF: the canvas is the logical screen, enlarged to hold the first frame, as Pillow does it.
private func gifFields(_ bytes: Bytes) -> HeaderFields? {
    guard let width = bytes.little16(6), let height = bytes.little16(8), let flags = bytes[10] else { return nil }
    var place = 13 + (flags & 0x80 == 0 ? 0 : 3 << (Int(flags & 7) + 1))
    while bytes[place] == 0x21 {
        place += 2
        while let length = bytes[place], length > 0 { place += 1 + Int(length) }
        place += 1
    }
    guard bytes[place] == 0x2c, let left = bytes.little16(place + 1), let top = bytes.little16(place + 3),
        let frameWidth = bytes.little16(place + 5), let frameHeight = bytes.little16(place + 7)
    else { return HeaderFields(size: Size(width: width, height: height)) }
    return HeaderFields(
        size: Size(width: max(width, left + frameWidth), height: max(height, top + frameHeight)))
}

/// WebP: the first chunk gives the size in one of three ways; an EXIF chunk stands behind the pixels.
private func webpFields(_ bytes: Bytes) -> HeaderFields? {
    guard let first = bytes.text(12, 4), var fields = webpSize(bytes, first).map({ HeaderFields(size: $0) }) else {
        return nil
    }
    var chunk = 12
    while first == "VP8X", fields.exif == nil, let kind = bytes.text(chunk, 4), let length = bytes.little32(chunk + 4) {
        if kind == "EXIF" { fields.exif = chunk + 8..<chunk + 8 + length }
        chunk += 8 + length + length % 2
    }
    return fields
}

private func webpSize(_ bytes: Bytes, _ chunk: String) -> Size? {
    switch chunk {
    case "VP8X":
        guard let width = bytes.little24(24), let height = bytes.little24(27) else { return nil }
        return Size(width: width + 1, height: height + 1)
    case "VP8L":
        guard bytes[20] == 0x2f, let bits = bytes.little32(21) else { return nil }
        return Size(width: bits & 0x3fff + 1, height: bits >> 14 & 0x3fff + 1)
    case "VP8 ":
        guard let width = bytes.little16(26), let height = bytes.little16(28) else { return nil }
        return Size(width: width & 0x3fff, height: height & 0x3fff)
    default:
        return nil
    }
}
