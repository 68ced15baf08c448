import CImages

/// Encodes `image` as baseline JPEG with 4:2:0 chroma, as Pillow and OpenCV do by default; `quality` is 1 to 100.
///
/// - Throws: `unsupported` where a side is over 65,500 pixels.
package func encodeJPEG(_ image: PixelImage, quality: Int) throws(ImageError) -> [UInt8] {
    try encode(image) { pixels, out, message in ci_jpeg_encode(pixels, Int32(quality), out, message) }
}

/// Encodes `image` as lossy WebP; `quality` is 0 to 100.
///
/// - Throws: `unsupported` where a side is over 16,383 pixels.
package func encodeWebP(_ image: PixelImage, quality: Int) throws(ImageError) -> [UInt8] {
    try encode(image) { pixels, out, message in ci_webp_encode(pixels, Int32(quality), out, message) }
}

/// Encodes `image` as 8-bit RGB PNG.
package func encodePNG(_ image: PixelImage) throws(ImageError) -> [UInt8] {
    try encode(image) { pixels, out, message in ci_png_encode(pixels, out, message) }
}

private func encode(
    _ image: PixelImage,
    _ body: (ci_pixels_t, UnsafeMutablePointer<ci_encoded_t>, UnsafeMutablePointer<CChar>) -> ci_status_t
) throws(ImageError) -> [UInt8] {
    var encoded = ci_encoded_t()
    let failure = image.withPixels { pixels in calling { message in body(pixels, &encoded, message) } }
    if let failure { throw failure }
    defer { ci_encoded_free(encoded) }
    return Array(UnsafeBufferPointer(start: encoded.bytes, count: encoded.count))
}
