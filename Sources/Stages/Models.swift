package import Images

/// An image to caption.
package struct CaptionRequest: Sendable {
    /// The sample's key: with the manifest's seed and the caption's number it names the stream of random numbers.
    package let key: String
    /// What the model sees of the image: RGB8, three bytes a pixel of its view.
    package let pixels: [UInt8]

    package init(key: String, pixels: [UInt8]) {
        self.key = key
        self.pixels = pixels
    }
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
    /// What it sees of an image.
    var view: ImageView { get }
    /// `count` captions for each image of `batch`, in the same order; they do not depend on the rest of the batch.
    ///
    /// `moved` is called at every token at least, from any thread: who hears nothing for minutes takes it to have hung.
    func caption(
        _ batch: [CaptionRequest], count: Int, moved: @escaping @Sendable () -> Void
    ) async throws -> [[GeneratedCaption]]
}

/// An image with the captions to judge.
package struct RankRequest: Sendable {
    package let key: String
    /// What the model sees of the image: RGB8, three bytes a pixel of its view.
    package let pixels: [UInt8]
    package let captions: [String]

    package init(key: String, pixels: [UInt8], captions: [String]) {
        self.key = key
        self.pixels = pixels
        self.captions = captions
    }
}

/// Judges how well captions fit their image.
package protocol Ranker: Sendable {
    /// What it sees of an image.
    var view: ImageView { get }
    /// How well each caption of each request fits its image, in the same order; more is better.
    ///
    /// `moved` is called at every image at least, from any thread.
    func score(_ batch: [RankRequest], moved: @escaping @Sendable () -> Void) async throws -> [[Double]]
}
