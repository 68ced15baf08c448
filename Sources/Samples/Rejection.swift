/// Why a sample was left out: data to be counted and written down, not an error.
public struct Rejection: Hashable, Sendable {
    /// A closed list; each raw value is a metric label and a `status` of the shard's table.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// The connection failed: name not found, refused, broken off, bad TLS.
        case downloadError = "download_error"
        /// The server answered with a status that is not a success.
        case httpError = "http_error"
        /// The whole transfer took longer than `fetch.timeout`.
        case timeout
        /// The body, as decoded from its transfer encoding, is larger than `fetch.max_bytes`.
        case tooLarge = "too_large"
        /// The URL, or a redirect of it, leads to an address, port or scheme that must not be fetched.
        case blockedAddress = "blocked_address"
        /// The server asks that the image not be used for training.
        case optedOut = "opted_out"
        /// The bytes are of no image format that is read here.
        case notAnImage = "not_an_image"
        /// An image that is truncated or damaged.
        case decodeError = "decode_error"
        /// A side is shorter than `image.min_side`.
        case tooSmall = "too_small"
        /// The sides' ratio is over `image.max_aspect_ratio`.
        case aspectRatio = "aspect_ratio"
        /// The header claims more pixels than `image.max_pixels`.
        case tooManyPixels = "too_many_pixels"
        /// A picture that stands for one that is gone, by its URL or because too many rows have it.
        case placeholder
        /// An earlier row has the URL, the bytes, or an image that looks the same.
        case duplicate
        /// The row of the list cannot be read.
        case badRow = "bad_row"
        /// The list says that a side is shorter than `filter.min_side`.
        case filteredSize = "filtered_size"
        /// The list's similarity of image and text is under `filter.min_similarity`.
        case filteredSimilarity = "filtered_similarity"
        /// The list's tag is one of `filter.nsfw`.
        case filteredNSFW = "filtered_nsfw"
        /// The list's probability of an unsafe image is over `filter.max_unsafe`.
        case filteredUnsafe = "filtered_unsafe"
        /// The list's probability of a watermark is over `filter.max_watermark`.
        case filteredWatermark = "filtered_watermark"
        /// The list's judgement of the image's looks is under `filter.min_aesthetic`.
        case filteredAesthetic = "filtered_aesthetic"
        /// The list's language is none of `filter.languages`.
        case filteredLanguage = "filtered_language"
        /// No caption has a length that `filter` takes.
        case filteredCaption = "filtered_caption"
        /// The URL is in a list of `exclude.urls`.
        case excludedURL = "excluded_url"
        /// The image is in a list of `exclude.images`, by its id.
        case excludedImage = "excluded_image"
        /// The bytes are in a list of `exclude.digests`; nothing else is said of such a row.
        case excludedDigest = "excluded_digest"
        /// The bytes are not those whose digest the list gives.
        case digestMismatch = "digest_mismatch"

        /// Whether the manifest wants such rows left out, so that they are no failure of the list or the network.
        public var isWanted: Bool {
            rawValue.hasPrefix("filtered_") || rawValue.hasPrefix("excluded_") || self == .duplicate
                || self == .digestMismatch
        }
    }

    /// The class of the fault.
    public let reason: Reason
    /// Free text for a person; never a metric label.
    public let message: String

    /// A rejection for `reason`.
    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

extension [String: Int] {
    /// Of rows counted by the statuses of rejections, those that were left out although the manifest wants them.
    package var failureCount: Int {
        reduce(0) { sum, entry in
            Rejection.Reason(rawValue: entry.key)?.isWanted == true ? sum : sum + entry.value
        }
    }
}

/// What a stage makes of one element.
public enum Outcome<Value: Sendable>: Sendable {
    /// The element goes on.
    case kept(Value)
    /// The element is left out, for a reason that is written down.
    case rejected(Rejection)
}
