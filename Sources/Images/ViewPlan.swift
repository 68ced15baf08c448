/// The geometry of the square that a model sees: the picture is scaled, then a square window is cut out.
struct ViewPlan: Sendable, Hashable {
    /// The size of the picture as it comes.
    let original: Size
    /// The size that the whole picture is scaled to.
    let scaled: Size
    /// Where the window begins in the scaled picture.
    let x: Int
    let y: Int
    /// The window's side in pixels.
    let side: Int

    /// Both sides become `side`, whatever the shape.
    init(squashing original: Size, _ side: Int) {
        self.original = original
        self.side = side
        scaled = Size(width: side, height: side)
        (x, y) = (0, 0)
    }

    /// The shorter side becomes `side`, the longer one keeps the shape, rounded down; the middle is cut out, half a pixel before
    /// it where the rest is odd.
    init(shortestSideCropping original: Size, _ side: Int) {
        let shorter = min(original.width, original.height)
        self.original = original
        self.side = side
        scaled = Size(width: side * original.width / shorter, height: side * original.height / shorter)
        x = (scaled.width - side) / 2
        y = (scaled.height - side) / 2
    }
}
