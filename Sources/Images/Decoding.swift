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
    return try decode(bytes, header, dividedBy: 1, maxPixels)
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
    let pixels = try decode(bytes, header, dividedBy: denominator, maxPixels)
    let area = Area(of: header.size, dividedBy: denominator, orientation: header.orientation)
    return ReducedImage(pixels, area: area)
}

private func decode(
    _ bytes: [UInt8], _ header: ImageHeader, dividedBy denominator: Int, _ maxPixels: Int
) throws(ImageError) -> PixelImage {
    let (pixelCount, overflows) = header.width.multipliedReportingOverflow(by: header.height)
    guard !overflows, pixelCount <= maxPixels, max(header.width, header.height) <= longestSide else {
        throw ImageError(.tooManyPixels, "\(header.width)x\(header.height) pixels")
    }
    let size = Size(
        width: (header.width + denominator - 1) / denominator, height: (header.height + denominator - 1) / denominator)
    let hasAlpha = header.format == .png || header.format == .webp
    let stored = try makePixels(size, roomPerPixel: hasAlpha ? 4 : 3) { output, message in
        bytes.withUnsafeBufferPointer { buffer in
            let input = ci_input_t(bytes: buffer.baseAddress, count: buffer.count)
            return switch header.format {
            case .jpeg:
                ci_jpeg_decode(input, Int32(denominator), mostScans(pixelCount: pixelCount), output, message)
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
