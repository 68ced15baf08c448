package import Images
package import Samples

/// What a list says of a row, as shards and tables store it.
package struct RowOrigin: Sendable, Equatable {
    package let id: SampleID
    /// The row's own id in its source; empty where it has none.
    package let sourceID: String
    /// As the list gives it; empty where the row could not be read.
    package let url: String
    /// The captions that came with the image.
    package let given: [Caption]

    package init(id: SampleID, sourceID: String, url: String, given: [Caption]) {
        self.id = id
        self.sourceID = sourceID
        self.url = url
        self.given = given
    }

    /// The caption that came from the web, or the first of those that people wrote; empty where there is none.
    package var webCaption: String { given.first?.text ?? "" }
}

/// What the server said that was asked for an image; nothing where none was.
package struct FetchAnswer: Sendable, Equatable {
    package var httpStatus: Int?
    package var finalURL: String?

    package init(httpStatus: Int? = nil, finalURL: String? = nil) {
        self.httpStatus = httpStatus
        self.finalURL = finalURL
    }
}

/// A row whose image is as the shard stores it.
package struct EncodedRow: Sendable, Equatable {
    package let origin: RowOrigin
    package let answer: FetchAnswer
    package let fetchedByteCount: Int
    /// Of the bytes as fetched.
    package let sha256: ContentDigest
    /// The image as fetched, upright, in pixels.
    package let original: Size
    package let image: StoredImage
    /// What the image looks like; nil where nobody asks.
    package let perceptualHash: UInt64?
}

/// An image as the shard stores it.
package struct StoredImage: Sendable, Equatable {
    package let bytes: [UInt8]
    /// Without a dot: `jpg`, `webp` or `png`.
    package let fileExtension: String
    package let size: Size
}

/// A row that is left out: why, and what was known of it by then.
package struct LeftOutRow: Error, Equatable {
    package let origin: RowOrigin
    package let rejection: Rejection
    package let answer: FetchAnswer
    package let fetchedByteCount: Int
    /// Of the bytes as fetched; nil where there are none.
    package let sha256: ContentDigest?
    /// The image as fetched, upright, in pixels; nil where that could not be read.
    package let original: Size?

    package init(
        _ origin: RowOrigin, _ rejection: Rejection, answer: FetchAnswer = FetchAnswer(), fetchedByteCount: Int = 0,
        sha256: ContentDigest? = nil, original: Size? = nil
    ) {
        self.origin = origin
        self.rejection = rejection
        self.answer = answer
        self.fetchedByteCount = fetchedByteCount
        self.sha256 = sha256
        self.original = original
    }

    /// The row `encoded`, left out after all.
    init(_ encoded: EncodedRow, _ rejection: Rejection) {
        self.init(
            encoded.origin, rejection, answer: encoded.answer, fetchedByteCount: encoded.fetchedByteCount,
            sha256: encoded.sha256, original: encoded.original)
    }
}

/// What became of a row's image.
package enum PreparedRow: Sendable, Equatable {
    case encoded(EncodedRow)
    case leftOut(LeftOutRow)
}

/// The captions of one image.
package struct RowCaptions: Sendable, Equatable {
    /// All captions, in the order made; where nothing is ranked, the kept ones.
    package let candidates: [ScoredCaption]
    /// Best first; not empty.
    package let kept: [ScoredCaption]

    package init(candidates: [ScoredCaption], kept: [ScoredCaption]) {
        precondition(!kept.isEmpty, "a row without a caption is left out")
        self.candidates = candidates
        self.kept = kept
    }

    /// The captions that came with an image, unranked; nil where none says anything.
    init?(given: [Caption]) {
        let kept = given.filter { !$0.text.isEmpty }
            .map { ScoredCaption(text: $0.text, score: 0, origin: $0.origin) }
        guard !kept.isEmpty else { return nil }
        self.init(candidates: kept, kept: kept)
    }
}

/// A row at the end of its way, as it is written.
package enum FinishedRow: Sendable, Equatable {
    case kept(EncodedRow, RowCaptions)
    case leftOut(LeftOutRow)
}
