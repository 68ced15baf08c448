package import Images

/// An image for a model.
package enum ModelImage: Sendable {
    /// As the model takes it: RGB8, `imageSide * imageSide * 3` bytes.
    case view([UInt8])
    /// Upright, of any size: for a model that makes the view itself.
    case source(PixelImage)

    /// The bytes of its pixels.
    var byteCount: Int {
        switch self {
        case .view(let pixels): pixels.count
        case .source(let image): image.rgb.count
        }
    }
}

/// An image to caption.
package struct CaptionRequest: Sendable {
    /// The sample's key: with the manifest's seed and the caption's number it names the stream of random numbers.
    package let key: String
    package let image: ModelImage

    package init(key: String, image: ModelImage) {
        self.key = key
        self.image = image
    }

    /// `pixels` are the view: RGB8, `imageSide * imageSide * 3` bytes.
    package init(key: String, pixels: [UInt8]) { self.init(key: key, image: .view(pixels)) }
}

/// One caption that a captioner made.
package struct GeneratedCaption: Sendable, Equatable {
    /// The text without the prompt; may be empty.
    package let text: String
    /// The token ids, with the prompt's.
    package let tokens: [Int]
    /// The sum over the new tokens, of the unwarped distribution.
    package let logprob: Double

    package init(text: String, tokens: [Int], logprob: Double) {
        self.text = text
        self.tokens = tokens
        self.logprob = logprob
    }
}

/// Writes captions for images.
package protocol Captioner: Sendable {
    /// The side in pixels of the square images it takes.
    var imageSide: Int { get }
    /// `count` captions for each image of `batch`, in the same order; they do not depend on the rest of the batch.
    func caption(_ batch: [CaptionRequest], count: Int) async throws -> [[GeneratedCaption]]
}

/// An image with the captions to judge.
package struct RankRequest: Sendable {
    package let key: String
    package let image: ModelImage
    package let captions: [String]

    package init(key: String, image: ModelImage, captions: [String]) {
        self.key = key
        self.image = image
        self.captions = captions
    }

    /// `pixels` are the view: RGB8, `imageSide * imageSide * 3` bytes.
    package init(key: String, pixels: [UInt8], captions: [String]) {
        self.init(key: key, image: .view(pixels), captions: captions)
    }
}

/// Judges how well captions fit their image.
package protocol Ranker: Sendable {
    /// The side in pixels of the square images it takes.
    var imageSide: Int { get }
    /// Cosine similarity, −1 to 1, of each caption of each request, in the same order.
    func score(_ batch: [RankRequest]) async throws -> [[Double]]
}
