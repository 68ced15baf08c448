public import Samples

/// One image with its captions, as a shard stores it.
public struct ShardSample: Sendable, Equatable {
    /// The encoded image.
    public let image: [UInt8]
    /// The image's file extension, lower case, without a dot: `jpg`, `webp` or `png`.
    public let imageExtension: String
    /// Everything known of it, the kept captions included.
    public let metadata: SampleMetadata

    /// The sample whose image is `image`, a file of kind `imageExtension`.
    public init(image: [UInt8], imageExtension: String, metadata: SampleMetadata) {
        self.image = image
        self.imageExtension = imageExtension
        self.metadata = metadata
    }

    /// The name that the members share.
    public var key: String { metadata.key }
}

/// What `KEY.meta.json` says: the same keys in every sample, no nulls, no empty lists, scores with a decimal point.
///
/// Loaders that guess a schema from the first samples then guess right. Text that is not known is empty, a number 0.
public struct SampleMetadata: Sendable, Equatable, Codable {
    /// The name that the members share: the source and the row's number.
    public var key: String
    /// The name that the manifest gives the source.
    public var source: String
    /// The row's own id in its source.
    public var sourceID: String
    /// Where the image came from, as the list gives it.
    public var url: String
    /// Pixels across of the stored image.
    public var width: Int
    /// Pixels down of the stored image.
    public var height: Int
    /// Pixels across of the image as fetched, upright.
    public var originalWidth: Int
    /// Pixels down of the image as fetched, upright.
    public var originalHeight: Int
    /// SHA-256 of the bytes as fetched, in hexadecimal digits.
    public var sha256: String
    /// The caption that came with the image.
    public var webCaption: String
    /// The kept captions, best first; at least one.
    public var captions: [ScoredCaption]
    /// All captions in the order made; the kept ones where nothing was ranked.
    public var candidates: [ScoredCaption]

    /// Metadata of the sample `key` of `source`; without candidates, the kept captions are taken for them.
    public init(
        key: String, source: String, sourceID: String = "", url: String, width: Int, height: Int, originalWidth: Int,
        originalHeight: Int, sha256: String, webCaption: String, captions: [ScoredCaption],
        candidates: [ScoredCaption] = []
    ) {
        self.key = key
        self.source = source
        self.sourceID = sourceID
        self.url = url
        self.width = width
        self.height = height
        self.originalWidth = originalWidth
        self.originalHeight = originalHeight
        self.sha256 = sha256
        self.webCaption = webCaption
        self.captions = captions
        // An empty list has no type for a loader that guesses the schema.
        self.candidates = candidates.isEmpty ? captions : candidates
    }

    private enum CodingKeys: String, CodingKey {
        case key, source, url, width, height, sha256, captions, candidates
        case sourceID = "source_id"
        case originalWidth = "original_width"
        case originalHeight = "original_height"
        case webCaption = "web_caption"
    }
}
