import CImages

/// A part of a picture.
struct Window {
    var x: Int
    var y: Int
    var size: Size
}

/// Scales and crops or pads `image` as `plan` says; for images that are stored.
///
/// `image` is of `plan.original`, or what decoding for `plan.scaled` made of it. The kernel is Pillow's HAMMING: as sharp
/// as bicubic when it reduces, at half the work.
package func resize(_ image: ReducedImage, _ plan: ResizePlan) -> PixelImage {
    let seen = Window(
        x: max(0, plan.left), y: max(0, plan.top),
        size: Size(
            width: min(plan.scaled.width, plan.output.width), height: min(plan.scaled.height, plan.output.height)))
    let picture = resample(image.pixels, image.area, to: plan.scaled, window: seen, CI_HAMMING)
    return picture.size == plan.output ? picture : padded(picture, to: plan.output)
}

/// The same of an image at its full size.
package func resize(_ image: PixelImage, _ plan: ResizePlan) -> PixelImage { resize(ReducedImage(image), plan) }

/// Resizes to `width` × `height` with the bicubic kernel; equals Pillow's `resize` before version 13 bit for bit.
///
/// Source: Pillow `src/libImaging/Resample.c`.
package func resizeBicubic(_ image: PixelImage, width: Int, height: Int) -> PixelImage {
    let size = Size(width: width, height: height)
    return resample(image, Area(of: image.size), to: size, window: Window(x: 0, y: 0, size: size), CI_BICUBIC)
}

/// The `area` of `image` scaled to `size` with the bicubic kernel, which looks at the pixels around it too.
func resizeBicubic(_ image: PixelImage, _ area: Area, to size: Size) -> PixelImage {
    resample(image, area, to: size, window: Window(x: 0, y: 0, size: size), CI_BICUBIC)
}

/// The part `crop` of `image`, cut out and scaled to `size` with the bicubic kernel.
package func resizeBicubic(_ image: PixelImage, _ crop: PixelRectangle, to size: Size) -> PixelImage {
    let part = crop.size == image.size ? image : image.cut(to: crop)
    return resizeBicubic(part, width: size.width, height: size.height)
}

extension ViewPlan {
    /// The square of `image`, whose size the plan was made for.
    func view(_ image: PixelImage) -> PixelImage {
        let window = Window(x: x, y: y, size: Size(width: side, height: side))
        return resample(image, Area(of: image.size), to: scaled, window: window, CI_BICUBIC)
    }
}

/// The part `window` of `area` of `image` scaled to `size`; traps without memory, as every array does.
private func resample(
    _ image: PixelImage, _ area: Area, to size: Size, window: Window, _ filter: ci_filter_t
) -> PixelImage {
    if image.size == size, window.size == size, area == Area(of: size) { return image }
    let resize = ci_resize_t(
        area: ci_area_t(x: area.x, y: area.y, width: area.width, height: area.height),
        width: Int32(size.width), height: Int32(size.height), x: Int32(window.x), y: Int32(window.y), filter: filter)
    return makePixels(window.size) { output in
        let status = image.withPixels { ci_resample($0, resize, output) }
        precondition(status == CI_OK, "no memory to resample")
    }
}

/// `image` in the middle of a white picture of `size`.
private func padded(_ image: PixelImage, to size: Size) -> PixelImage {
    var rgb = [UInt8](repeating: 255, count: size.width * size.height * 3)
    let (left, top) = ((size.width - image.width) / 2, (size.height - image.height) / 2)
    for y in 0..<image.height {
        let place = ((top + y) * size.width + left) * 3
        rgb.replaceSubrange(
            place..<place + image.width * 3, with: image.rgb[y * image.width * 3..<(y + 1) * image.width * 3])
    }
    return PixelImage(width: size.width, height: size.height, rgb: rgb)
}
