/// The square of an image that a model sees.
///
/// The model's configuration says which one it is, and nothing else does.
package enum ImageView: Sendable, Hashable {
    /// Both sides become `side`, whatever the shape, as BLIP has it.
    case squashed(side: Int)
    /// The shorter side becomes `side`, the longer one keeps the shape, rounded down, and the middle is cut out, as CLIP
    /// has it.
    ///
    /// Of an odd rest the smaller half is cut off first, as `transformers` does. (OpenAI's CLIP and LAVIS, by torchvision,
    /// round half a pixel to the even side.)
    /// Source: transformers `image_processing_backends.py`, `PilBackend.resize` and `center_crop`.
    case shortestSideCropped(side: Int)

    /// The square's side in pixels.
    package var side: Int {
        switch self {
        case .squashed(let side), .shortestSideCropped(let side): side
        }
    }

    /// What is seen of `image`: a square of `side` pixels.
    package func callAsFunction(_ image: PixelImage) -> PixelImage {
        switch self {
        case .squashed(let side): ViewPlan(squashing: image.size, side).view(image)
        case .shortestSideCropped(let side): ViewPlan(shortestSideCropping: image.size, side).view(image)
        }
    }
}
