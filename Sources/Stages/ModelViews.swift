import Images

/// The image for the two models.
enum ModelViews: Sendable {
    /// As each of them takes it: RGB8, square.
    case made(captioner: [UInt8], ranker: [UInt8])
    /// As it is, for models that make their views themselves.
    case source(PixelImage)

    var captioner: ModelImage {
        switch self {
        case .made(let pixels, _): .view(pixels)
        case .source(let image): .source(image)
        }
    }

    var ranker: ModelImage {
        switch self {
        case .made(_, let pixels): .view(pixels)
        case .source(let image): .source(image)
        }
    }

    var byteCount: Int {
        switch self {
        case .made(let captioner, let ranker): captioner.count + ranker.count
        case .source(let image): image.rgb.count
        }
    }
}
