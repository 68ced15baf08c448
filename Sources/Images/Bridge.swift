import CImages

/// Takes memory for a picture of `size`, lets C fill it in place, and turns a failure into an error.
///
/// `roomPerPixel` is 4 where the decoder needs a byte more for each pixel while it works, else 3.
func makePixels(
    _ size: Size, roomPerPixel: Int, _ fill: (ci_output_t, UnsafeMutablePointer<CChar>) -> ci_status_t
) throws(ImageError) -> PixelImage {
    let pixelCount = size.width * size.height
    var failure: ImageError?
    let rgb = [UInt8](unsafeUninitializedCapacity: pixelCount * roomPerPixel) { buffer, count in
        let output = ci_output_t(width: Int32(size.width), height: Int32(size.height), pixels: buffer.baseAddress)
        failure = calling { message in fill(output, message) }
        count = failure == nil ? pixelCount * 3 : 0
    }
    if let failure { throw failure }
    return PixelImage(width: size.width, height: size.height, rgb: rgb)
}

/// Takes memory for a picture of `size` and lets C fill it in place.
func makePixels(_ size: Size, _ fill: (ci_output_t) -> Void) -> PixelImage {
    let byteCount = size.width * size.height * 3
    let rgb = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
        fill(ci_output_t(width: Int32(size.width), height: Int32(size.height), pixels: buffer.baseAddress))
        count = byteCount
    }
    return PixelImage(width: size.width, height: size.height, rgb: rgb)
}

/// Calls C with room for a message, and gives its failure as an error.
func calling(_ body: (UnsafeMutablePointer<CChar>) -> ci_status_t) -> ImageError? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CI_MESSAGE_CAPACITY)) { message -> ImageError? in
        guard let text = message.baseAddress else { preconditionFailure("a temporary allocation has an address") }
        text.pointee = 0
        return switch body(text) {
        case CI_OK: nil
        case CI_UNSUPPORTED: ImageError(.unsupported, String(cString: text))
        case CI_NO_MEMORY: ImageError(.outOfMemory, String(cString: text))
        default: ImageError(.damaged, String(cString: text))
        }
    }
}

extension PixelImage {
    /// Lends the pixels to C.
    func withPixels<Result>(_ body: (ci_pixels_t) -> Result) -> Result {
        rgb.withUnsafeBufferPointer { buffer in
            body(ci_pixels_t(width: Int32(width), height: Int32(height), pixels: buffer.baseAddress))
        }
    }
}
