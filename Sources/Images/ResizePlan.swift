/// What happens to the shape of an image that is stored; the raw value is the manifest's.
package enum ResizeMode: String, Sendable, CaseIterable {
    /// The shorter side becomes the size.
    case shortestSide = "shortest_side"
    /// The longer side becomes the size.
    case longestSide = "longest_side"
    /// The shorter side becomes the size, and a square of it is cut from the middle.
    case centerCrop = "center_crop"
    /// The longer side becomes the size, and white fills a square of it around the picture.
    case pad
    /// Nothing.
    case none
}

/// The geometry of a stored image: the picture is scaled, then a window is laid on it, white where it reaches beyond.
package struct ResizePlan: Sendable, Equatable {
    /// The size of the picture as it comes.
    package let original: Size
    /// The size that the whole picture is scaled to.
    package let scaled: Size
    /// The size of the result.
    package let output: Size
    /// How many of the scaled picture's columns are cut off at the left; as many are added where it is negative.
    package let left: Int
    /// How many of the scaled picture's rows are cut off at the top; as many are added where it is negative.
    package let top: Int

    /// The plan for an upright picture of `original` pixels, which is never enlarged.
    ///
    /// `size` is of the side that `mode` names, in pixels, at least 1.
    package init(_ original: Size, mode: ResizeMode, size: Int) {
        precondition(size > 0, "a side has at least one pixel")
        let (shorter, longer) = (min(original.width, original.height), max(original.width, original.height))
        let side =
            switch mode {
            case .shortestSide, .centerCrop: shorter
            case .longestSide, .pad: longer
            case .none: size
            }
        let scaled = side > size ? original.scaled(by: size, over: side) : original
        let output =
            switch mode {
            case .centerCrop: Size(width: min(scaled.width, size), height: min(scaled.height, size))
            case .pad: Size(width: size, height: size)
            case .shortestSide, .longestSide, .none: scaled
            }
        self.init(original: original, scaled: scaled, output: output)
    }

    /// The plan that scales a picture of `original` pixels to `size`, shape ignored.
    package init(scaling original: Size, to size: Size) {
        self.init(original: original, scaled: size, output: size)
    }

    private init(original: Size, scaled: Size, output: Size) {
        self.original = original
        self.scaled = scaled
        self.output = output
        left = (scaled.width - output.width) / 2
        top = (scaled.height - output.height) / 2
    }

    /// Whether the result is the picture as it came.
    package var isIdentity: Bool { original == output && original == scaled }
}

extension Size {
    /// Both sides times `numerator` / `denominator`, rounded, at least 1.
    fileprivate func scaled(by numerator: Int, over denominator: Int) -> Size {
        func side(_ length: Int) -> Int { max(1, (2 * length * numerator + denominator) / (2 * denominator)) }
        return Size(width: side(width), height: side(height))
    }
}
