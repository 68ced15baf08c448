/// The identity of one image with its captions, the same in every run: one row of one source.
public struct SampleID: Hashable, Sendable, Codable, Comparable {
    /// The name that the manifest gives the source; letters, digits, `-` and `_` only.
    public let source: String
    /// The row's number in its source, from 0.
    public let row: Int

    /// Names row `row` of `source`.
    public init(source: String, row: Int) {
        self.source = source
        self.row = row
    }

    /// The name of the sample's members in a shard: the source, `-`, and the row in at least 12 digits.
    public var key: String {
        let digits = String(row)
        return source + "-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// Orders by source, then by row.
    public static func < (left: SampleID, right: SampleID) -> Bool {
        (left.source, left.row) < (right.source, right.row)
    }
}
