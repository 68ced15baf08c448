/// JPEG: walks the marker segments up to the frame header, past the first EXIF segment.
///
/// Bytes between segments are skipped, and a comment or application segment that claims to be shorter than its own length
/// is empty, as with libjpeg.
func jpegFields(_ bytes: Bytes) -> HeaderFields? {
    var exif: Range<Int>?
    var place = 2
    while let found = nextMarker(bytes, from: place) {
        switch found.marker {
        case 0xda, 0xd9:  // pixels, or the end, before any frame header
            return nil
        case 0x01, 0xd0...0xd8:  // markers without a segment
            place = found.end
            continue
        default:
            break
        }
        guard let length = bytes.big16(found.end), length >= 2 || isPassedOver(found.marker) else { return nil }
        let body = found.end + 2
        place = found.end + max(length, 2)
        if isFrameHeader(found.marker) {
            guard let height = bytes.big16(body + 1), let width = bytes.big16(body + 3) else { return nil }
            return HeaderFields(size: Size(width: width, height: height), exif: exif)
        }
        if found.marker == 0xe1, exif == nil, bytes.text(body, 4) == "Exif" { exif = body..<place }
    }
    return nil
}

/// The next marker at or behind `place`, and where it ends.
private func nextMarker(_ bytes: Bytes, from place: Int) -> (marker: UInt8, end: Int)? {
    var place = place
    while let first = bytes[place], let second = bytes[place + 1] {
        if first == 0xff, second != 0xff, second != 0 { return (second, place + 2) }
        place += 1
    }
    return nil
}

/// Whether a segment says nothing that decoding needs: APP0 to APP15, and comments.
private func isPassedOver(_ marker: UInt8) -> Bool { (0xe0...0xef).contains(marker) || marker == 0xfe }

/// SOF0 to SOF15, of whose range three codes mean something else.
private func isFrameHeader(_ marker: UInt8) -> Bool {
    (0xc0...0xcf).contains(marker) && ![0xc4, 0xc8, 0xcc].contains(marker)
}
