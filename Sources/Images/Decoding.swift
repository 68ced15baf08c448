import CImages

/// The longest side that is decoded; no format but PNG can have a longer one.
private let longestSide = 65_535

/// Decodes an image file into upright RGB.
///
/// JPEG is decoded as Pillow does by default (accurate DCT, smooth chroma upsampling), so pixels are equal at full
/// size. Transparency is composed on white, animations give their first frame, 16-bit samples keep their high byte.
/// Colour profiles and gamma are not applied.
/// - Parameters:
///   - bytes: The file, whole.
///   - header: What `readHeader` said about the same bytes; read again where it is nil.
///   - maxPixels: A header that claims more is refused before memory is taken.
/// - Returns: The picture, of the header's oriented size.
/// - Throws: Any `ImageError`; truncated data are `damaged`, never a partly grey picture.
package func decode(
    _ bytes: [UInt8], header: ImageHeader? = nil, maxPixels: Int
) throws(ImageError) -> PixelImage {
    let header = if let header { header } else { try readHeader(bytes) }
    return try decode(bytes, header, .whole(of: header, dividedBy: 1), maxPixels)
}

/// Decodes an image file into upright RGB, as small as is quick and still covers `size`, after orientation.
///
/// JPEG is decoded at the smallest of 1/1, 1/2, 1/4 and 1/8 that does, each side rounded up; other scales have no fast
/// code in libjpeg. The other formats come at full size. All else is as `decode` says.
package func decodeReduced(
    _ bytes: [UInt8], header: ImageHeader? = nil, covering size: Size, maxPixels: Int
) throws(ImageError) -> ReducedImage {
    let header = if let header { header } else { try readHeader(bytes) }
    let denominator = header.format == .jpeg ? scaleDenominator(of: header, covering: size) : 1
    let pixels = try decode(bytes, header, .whole(of: header, dividedBy: denominator), maxPixels)
    let area = Area(of: header.size, dividedBy: denominator, orientation: header.orientation)
    return ReducedImage(pixels, area: area)
}

/// Decodes the part `crop` of an image file, upright, and scales it to `size` with the bicubic kernel.
///
/// Of a JPEG only the rows and columns of the crop are made pixels, and at the smallest of 1/1, 1/2, 1/4 and 1/8 of its size
/// at which the crop still covers `size`. At 1/1 the result equals cutting `crop` out of the decoded picture and resizing
/// that with Pillow; at a smaller scale it is the same picture by another path. The other formats are decoded in full.
/// What a JPEG has behind the last row of the crop is not looked at. `header` is what `readHeader` said about the same bytes,
/// `crop` a part of the upright picture, inside it; a header that claims more than `maxPixels` is refused before memory is taken.
/// - Throws: Any `ImageError`.
package func decodeCrop(
    _ bytes: [UInt8], header: ImageHeader, _ crop: PixelRectangle, to size: Size, maxPixels: Int
) throws(ImageError) -> PixelImage {
    precondition(crop.fits(in: header.orientedSize), "\(crop) is not inside \(header.orientedSize)")
    guard header.format == .jpeg, header.orientation <= 1 else {
        return resizeBicubic(try decode(bytes, header, .whole(of: header, dividedBy: 1), maxPixels), crop, to: size)
    }
    let fits = [8, 4, 2].first { crop.size.width / $0 >= size.width && crop.size.height / $0 >= size.height }
    guard let denominator = fits else {
        let part = DecodedPart.whole(of: header, dividedBy: 1).cut(to: crop)
        let pixels = try decode(bytes, header, part, maxPixels)
        return resizeBicubic(pixels, width: size.width, height: size.height)
    }
    let whole = DecodedPart.whole(of: header, dividedBy: denominator)
    let seen = PixelRectangle(covering: crop, dividedBy: denominator)
    let pixels = try decode(bytes, header, whole.cut(to: seen), maxPixels)
    return resizeBicubic(pixels, Area(of: crop, dividedBy: denominator, from: seen), to: size)
}

/// What is decoded of a stored picture: a part of it at a fraction of its size.
private struct DecodedPart {
    let denominator: Int
    /// The size of the whole picture at that fraction.
    let width: Int
    let height: Int
    let part: PixelRectangle

    static func whole(of header: ImageHeader, dividedBy denominator: Int) -> DecodedPart {
        let size = Size(
            width: (header.width + denominator - 1) / denominator,
            height: (header.height + denominator - 1) / denominator)
        return DecodedPart(
            denominator: denominator, width: size.width, height: size.height,
            part: PixelRectangle(x: 0, y: 0, size: size))
    }

    func cut(to part: PixelRectangle) -> DecodedPart {
        DecodedPart(denominator: denominator, width: width, height: height, part: part)
    }

    var bridged: ci_part_t {
        ci_part_t(
            denominator: Int32(denominator), width: Int32(width), height: Int32(height), x: Int32(part.x),
            y: Int32(part.y))
    }
}

/// The stored picture turned upright, or the part of it that is wanted; only of a JPEG less than all of it can be.
private func decode(
    _ bytes: [UInt8], _ header: ImageHeader, _ wanted: DecodedPart, _ maxPixels: Int
) throws(ImageError) -> PixelImage {
    let (pixelCount, overflows) = header.width.multipliedReportingOverflow(by: header.height)
    guard !overflows, pixelCount <= maxPixels, max(header.width, header.height) <= longestSide else {
        throw ImageError(.tooManyPixels, "\(header.width)x\(header.height) pixels")
    }
    let hasAlpha = header.format == .png || header.format == .webp
    let stored = try makePixels(wanted.part.size, roomPerPixel: hasAlpha ? 4 : 3) { output, message in
        bytes.withUnsafeBufferPointer { buffer in
            let input = ci_input_t(bytes: buffer.baseAddress, count: buffer.count)
            return switch header.format {
            case .jpeg:
                ci_jpeg_decode(input, wanted.bridged, mostScans(pixelCount: pixelCount), output, message)
            case .png: ci_png_decode(input, output, message)
            case .webp: ci_webp_decode(input, output, message)
            case .gif: ci_gif_decode(input, maxPixels, output, message)
            }
        }
    }
    return upright(stored, orientation: header.orientation)
}

/// The largest of 8, 4, 2 and 1 by which the stored picture can be divided and still cover the wanted size.
private func scaleDenominator(of header: ImageHeader, covering: Size) -> Int {
    let wanted = header.orientation > 4 ? covering.turned : covering
    let fits = [8, 4, 2].first { denominator in
        (header.width + denominator - 1) / denominator >= wanted.width
            && (header.height + denominator - 1) / denominator >= wanted.height
    }
    return fits ?? 1
}

/// How many scans a JPEG may have: each costs a pass over the picture, real files have about ten.
private func mostScans(pixelCount: Int) -> Int32 {
    Int32(min(500, max(50, 2_000_000_000 / pixelCount)))
}

/// The picture turned as EXIF `orientation` asks.
private func upright(_ image: PixelImage, orientation: Int) -> PixelImage {
    guard orientation > 1 else { return image }
    let size = orientation > 4 ? image.size.turned : image.size
    return makePixels(size) { output in image.withPixels { ci_orient($0, Int32(orientation), output.pixels) } }
}
