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
}
