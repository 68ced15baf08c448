package import Images

/// The square of an image that a model sees.
package enum ImageView: Sendable, Equatable {
    /// Both sides become `side`, whatever the shape, as BLIP has it.
    case squashed(side: Int)
    /// The shorter side becomes `side`, and the middle is cut out, as CLIP has it.
    case shortestSideCropped(side: Int)

    package var side: Int {
        switch self {
        case .squashed(let side), .shortestSideCropped(let side): side
        }
    }

    /// What is seen of `image`.
    package func callAsFunction(_ image: PixelImage) -> PixelImage {
        switch self {
        case .squashed(let side): Images.squashed(image, side: side)
        case .shortestSideCropped(let side): Images.shortestSideCropped(image, side: side)
        }
    }
}
