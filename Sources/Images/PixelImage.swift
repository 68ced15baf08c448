/// A width and a height in pixels.
package struct Size: Hashable, Sendable {
    /// Pixels across.
    package let width: Int
    /// Pixels down.
    package let height: Int

    /// A size of `width` × `height`.
    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// The same with the sides exchanged.
    var turned: Size { Size(width: height, height: width) }
}

/// A picture in memory: 8-bit RGB, upright.
package struct PixelImage: Sendable, Equatable {
    /// Pixels across, at least 1.
    package let width: Int
    /// Pixels down, at least 1.
    package let height: Int
    /// Interleaved red, green, blue; rows top to bottom, no padding: `width * height * 3` bytes.
    package let rgb: [UInt8]

    /// A picture of `width` × `height` pixels, whose bytes are `rgb`.
    package init(width: Int, height: Int, rgb: [UInt8]) {
        precondition(width > 0 && height > 0, "a picture has at least one pixel")
        precondition(rgb.count == width * height * 3, "RGB8 needs 3 bytes a pixel")
        self.width = width
        self.height = height
        self.rgb = rgb
    }

    /// Both sides.
    package var size: Size { Size(width: width, height: height) }

    /// The part `crop` of it.
    package func cut(to crop: PixelRectangle) -> PixelImage {
        precondition(crop.fits(in: size), "\(crop) is not inside \(size)")
        var part: [UInt8] = []
        part.reserveCapacity(crop.size.width * crop.size.height * 3)
        for row in crop.y..<crop.y + crop.size.height {
            let start = (row * width + crop.x) * 3
            part += rgb[start..<start + crop.size.width * 3]
        }
        return PixelImage(width: crop.size.width, height: crop.size.height, rgb: part)
    }
}

/// A part of a picture, in whole pixels.
package struct PixelRectangle: Sendable, Hashable {
    /// Columns left of it.
    package let x: Int
    /// Rows above it.
    package let y: Int
    package let size: Size

    /// The part of `size` at column `x` and row `y`.
    package init(x: Int, y: Int, size: Size) {
        self.x = x
        self.y = y
        self.size = size
    }

    /// The pixels that hold `part` of a picture whose sides were divided by `denominator`.
    init(covering part: PixelRectangle, dividedBy denominator: Int) {
        func axis(_ start: Int, _ length: Int) -> Range<Int> {
            start / denominator..<(start + length + denominator - 1) / denominator
        }
        let (columns, rows) = (axis(part.x, part.size.width), axis(part.y, part.size.height))
        self.init(x: columns.lowerBound, y: rows.lowerBound, size: Size(width: columns.count, height: rows.count))
    }

    /// Whether it holds a pixel, and none outside a picture of `size`.
    func fits(in size: Size) -> Bool {
        x >= 0 && y >= 0 && self.size.width > 0 && self.size.height > 0 && x + self.size.width <= size.width
            && y + self.size.height <= size.height
    }
}

/// A part of a picture, in pixels and parts of them.
package struct Area: Sendable, Equatable {
    package let x: Double
    package let y: Double
    package let width: Double
    package let height: Double

    /// All of a picture of `size`.
    init(of size: Size) {
        (x, y, width, height) = (0, 0, Double(size.width), Double(size.height))
    }

    /// `part` of a picture whose sides were divided by `denominator`, of which only `seen` is there.
    init(of part: PixelRectangle, dividedBy denominator: Int, from seen: PixelRectangle) {
        let divisor = Double(denominator)
        (x, y) = (Double(part.x) / divisor - Double(seen.x), Double(part.y) / divisor - Double(seen.y))
        (width, height) = (Double(part.size.width) / divisor, Double(part.size.height) / divisor)
    }

    /// What a picture of `size` covers of its pixels when each side is divided by `denominator` and rounded up; the pixels
    /// that it covers in part are turned as EXIF `orientation` asks.
    init(of size: Size, dividedBy denominator: Int, orientation: Int) {
        func axis(_ length: Int, isTurned: Bool) -> (start: Double, length: Double) {
            let exact = Double(length) / Double(denominator)
            return (isTurned ? exact.rounded(.up) - exact : 0, exact)
        }
        let upright = orientation > 4 ? size.turned : size
        let across = axis(upright.width, isTurned: [2, 3, 6, 7].contains(orientation))
        let down = axis(upright.height, isTurned: [3, 4, 7, 8].contains(orientation))
        (x, y, width, height) = (across.start, down.start, across.length, down.length)
    }
}

/// A picture as it was decoded, maybe smaller than it is.
///
/// A side that is no multiple of the divisor is rounded up: the picture then covers its last pixels only in part.
package struct ReducedImage: Sendable, Equatable {
    package let pixels: PixelImage
    /// What the picture covers of its pixels.
    package let area: Area

    init(_ pixels: PixelImage, area: Area) {
        self.pixels = pixels
        self.area = area
    }

    /// A picture at its full size.
    package init(_ pixels: PixelImage) { self.init(pixels, area: Area(of: pixels.size)) }
}
