package import Samples

/// One input row, as the shards' tables have it.
package struct ReportRow: Sendable {
    /// The picture of a row that succeeded, and what was said of it.
    package struct Sample: Sendable {
        /// Pixels of the stored image.
        package let width: Int, height: Int
        /// Pixels of the image as fetched.
        package let originalWidth: Int, originalHeight: Int
        /// The captions kept, best first.
        package let kept: [ScoredCaption]
        /// All captions that were judged, in the order made; empty where nothing was ranked.
        package let candidates: [ScoredCaption]

        /// A sample with its captions.
        package init(
            width: Int, height: Int, originalWidth: Int, originalHeight: Int, kept: [ScoredCaption],
            candidates: [ScoredCaption]
        ) {
            (self.width, self.height) = (width, height)
            (self.originalWidth, self.originalHeight) = (originalWidth, originalHeight)
            self.kept = kept
            self.candidates = candidates
        }
    }

    /// Which row.
    package let id: SampleID
    /// Where the image was.
    package let url: String
    /// The caption in the list.
    package let webCaption: String
    /// The sample, or why there is none.
    package let outcome: Outcome<Sample>

    /// Row `id` and what became of it.
    package init(id: SampleID, url: String, webCaption: String, outcome: Outcome<Sample>) {
        self.id = id
        self.url = url
        self.webCaption = webCaption
        self.outcome = outcome
    }
}
