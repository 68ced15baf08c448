package import Manifests
package import Samples

/// Where the image of a row is.
package enum ImageLocation: Sendable, Hashable {
    case url(String)
    /// The path below the first of the folders and zip archives that has it.
    case stored(String, in: [String])
    /// The bytes themselves.
    case bytes([UInt8])
}

/// What a list says of an image before it is fetched: hints to filter by, and digests to check its bytes with.
package struct RowFacts: Sendable, Hashable {
    /// Pixels, as the list has them.
    package var width: Int?
    package var height: Int?
    /// Of image and text, as whoever made the list measured it.
    package var similarity: Double?
    /// A tag such as `UNLIKELY`, `UNSURE` or `NSFW`.
    package var nsfw: String?
    /// The probability that the image is unsafe, 0 to 1.
    package var unsafe: Double?
    /// The probability that the image has a watermark, 0 to 1.
    package var watermark: Double?
    /// A judgement of its looks, about 1 to 10.
    package var aesthetic: Double?
    /// Ids of the image in other data sets, such as `coco_522418` and `vg_2331`.
    package var imageIDs: [String] = []
    /// A code such as `en`.
    package var language: String?
    /// Of the bytes, as 32 hexadecimal digits.
    package var md5: String?
    /// Of the bytes, as 64 hexadecimal digits.
    package var sha256: String?
    /// What the list says in the place of a fact without being one, such as `punsafe: "x" is not a number`: who needs the fact
    /// must not take the row as if nothing were said.
    package var unreadable: [Fact: String] = [:]

    package init() {}
}

/// What an earlier build recorded of an image when it fetched it; what the list holds was made of that.
package struct EarlierFetch: Sendable, Hashable {
    /// Of the bytes as they were fetched.
    package let sha256: ContentDigest
    /// The image as it was fetched, upright, in pixels.
    package let width: Int
    package let height: Int

    package init(sha256: ContentDigest, width: Int, height: Int) {
        (self.sha256, self.width, self.height) = (sha256, width, height)
    }
}

/// One row of a source, before anything was fetched.
package struct SourceRow: Sendable, Equatable {
    package let id: SampleID
    /// The row's own id in its source; empty where it has none.
    package let sourceID: String
    package let location: ImageLocation
    /// The captions that came with the image; none where the list gives none.
    package let captions: [Caption]
    package let facts: RowFacts
    /// Nil where the image is as its source has it.
    package let earlier: EarlierFetch?

    package init(
        id: SampleID, sourceID: String, location: ImageLocation, captions: [Caption], facts: RowFacts = RowFacts(),
        earlier: EarlierFetch? = nil
    ) {
        self.id = id
        self.sourceID = sourceID
        self.location = location
        self.captions = captions
        self.facts = facts
        self.earlier = earlier
    }
}

/// What a list says in one place: a row, or why it is not one.
package struct ListedRow: Sendable {
    package let id: SampleID
    /// The URL or path as the list gives it, which is what shards store; empty where none could be read.
    package let url: String
    package let outcome: Outcome<SourceRow>

    package init(id: SampleID, url: String, outcome: Outcome<SourceRow>) {
        self.id = id
        self.url = url
        self.outcome = outcome
    }
}

/// A range of rows that planning found, and where reading it starts.
package struct PlannedRange: Sendable, Hashable {
    package let firstRow: Int
    package let rowCount: Int
    package let start: InputPosition

    package init(firstRow: Int, rowCount: Int, start: InputPosition) {
        self.firstRow = firstRow
        self.rowCount = rowCount
        self.start = start
    }
}

/// A data set that can be cut into ranges of rows and read range by range, always the same.
package protocol SourceAdapter: Sendable {
    /// Checks, by the first rows, that the lists say what `filter` judges by, and give `digests` where those are needed: what
    /// can leave out no row is a mistake.
    func check(_ filter: RowFilter, digests: Bool) throws(SourceError)

    /// Cuts the source into ranges of `unitRows` rows (the last may have fewer), in one pass with bounded memory.
    ///
    /// Takes the first `limit` rows only; nil takes all.
    func plan(
        unitRows: Int, limit: Int?, emit: (PlannedRange) throws -> Void
    ) throws

    /// Goes over whole files, where that must be done before any row can be read; once a process, and it blocks.
    func prepare() throws(SourceError)

    /// A reader of the rows of `unit`; it starts at the unit's position and never reads what lies before.
    func reader(of unit: WorkUnit) throws(SourceError) -> any RowReader
}

extension SourceAdapter {
    package func check(_ filter: RowFilter, digests: Bool) throws(SourceError) {}
    package func prepare() throws(SourceError) {}
}

/// Reads the rows of one unit, in order and in bounded memory.
package protocol RowReader {
    /// The next row; nil after the unit's last.
    ///
    /// - Throws: A `SourceError` where the input cannot be read any more: the unit is tried again.
    mutating func next() throws(SourceError) -> ListedRow?
}
