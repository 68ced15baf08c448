/// The geometry of the square that a model sees: the picture is scaled, then a square window is cut out.
package struct ViewPlan: Sendable, Hashable {
    /// The size of the picture as it comes.
    package let original: Size
    /// The size that the whole picture is scaled to.
    package let scaled: Size
    /// Where the window begins in the scaled picture.
    package let x: Int
    package let y: Int
    /// The window's side in pixels.
    package let side: Int

    /// Both sides become `side`, whatever the shape.
    package init(squashing original: Size, _ side: Int) {
        self.original = original
        self.side = side
        scaled = Size(width: side, height: side)
        (x, y) = (0, 0)
    }

    /// The shorter side becomes `side`, the longer one keeps the shape, rounded down; the middle is cut out, half a pixel before
    /// it where the rest is odd.
    package init(shortestSideCropping original: Size, _ side: Int) {
        let shorter = min(original.width, original.height)
        self.original = original
        self.side = side
        scaled = Size(width: side * original.width / shorter, height: side * original.height / shorter)
        x = (scaled.width - side) / 2
        y = (scaled.height - side) / 2
    }
}
