package import Images
package import Samples

/// Everything known of one row on its way through the stages; the shard and its table are written from it.
package struct SampleRecord: Sendable {
    package let id: SampleID
    /// The row's own id in its source; empty where it has none.
    package let sourceID: String
    /// As the list gives it; empty where the row could not be read.
    package let url: String
    /// The captions that came with the image.
    package let given: [Caption]
    /// Why the row is left out; nil while it is kept.
    package var rejection: Rejection?
    package var httpStatus: Int?
    package var finalURL: String?
    package var fetchedByteCount = 0
    /// SHA-256 of the bytes as fetched.
    package var sha256: ContentDigest?
    /// What the image looks like; nil where nobody asks.
    package var perceptualHash: UInt64?
    /// The image as fetched, upright, in pixels.
    package var original: Size?
    package var image: StoredImage?
    package var views: ModelViews?
    /// All captions, in the order made; where nothing is ranked, the kept ones.
    package var candidates: [ScoredCaption] = []
    /// Best first; not empty in a record that is kept.
    package var kept: [ScoredCaption] = []

    /// What the record was counted with in the worker's `ByteBudget`.
    var reservedByteCount = 0

    package init(id: SampleID, sourceID: String, url: String, given: [Caption], rejection: Rejection? = nil) {
        self.id = id
        self.sourceID = sourceID
        self.url = url
        self.given = given
        self.rejection = rejection
    }

    /// The record of a row whose bytes must not be kept: it says nothing of them, nor where they are.
    static func excluded(_ id: SampleID) -> SampleRecord {
        SampleRecord(id: id, sourceID: "", url: "", given: [], rejection: Rejection(.excludedDigest, ""))
    }

    /// The caption that came from the web, or the first of those that people wrote; empty where there is none.
    package var webCaption: String { given.first?.text ?? "" }

    /// The bytes of images that this record holds.
    var byteCount: Int {
        (image?.bytes.count ?? 0) + (views?.byteCount ?? 0)
    }

    /// The record left out for `rejection`; what it held is let go.
    package func rejected(_ rejection: Rejection) -> SampleRecord {
        var record = self
        record.rejection = rejection
        record.image = nil
        record.views = nil
        return record
    }
}

/// An image as the shard stores it.
package struct StoredImage: Sendable {
    package let bytes: [UInt8]
    /// Without a dot: `jpg`, `webp` or `png`.
    package let fileExtension: String
    package let size: Size
}

/// The image for the two models.
package enum ModelViews: Sendable {
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
