/// A range of rows of one source: what one lease covers and one shard holds.
public struct WorkUnit: Hashable, Sendable, Codable {
    /// The name that the manifest gives the source.
    public let source: String
    /// The number of the unit in its source, from 0: the number of its shard.
    public let index: Int
    /// The first row, counted from 0 over the whole source.
    public let firstRow: Int
    /// How many rows, at least 1.
    public let rowCount: Int
    /// Where to start reading.
    public let start: InputPosition

    /// A unit of `rowCount` rows from `firstRow` on.
    public init(source: String, index: Int, firstRow: Int, rowCount: Int, start: InputPosition) {
        self.source = source
        self.index = index
        self.firstRow = firstRow
        self.rowCount = rowCount
        self.start = start
    }

    /// The shard's file name without extension, such as `cc3m-000007`.
    public var shardName: String { ShardName(source: source, number: index).description }
}

/// A place in the input files of a source from which rows can be read without those before it.
public struct InputPosition: Hashable, Sendable, Codable {
    /// The number of the file in the source's sorted list of files.
    public let file: Int
    /// Where in the file: a byte for text, a row for tables; the adapter that planned it knows which.
    public let offset: Int
    /// Where in what is read side by side with it: a second file, or another column of the same one; otherwise 0.
    public let companion: Int

    /// The place `offset` of file `file`, and `companion` of what is read with it.
    public init(file: Int, offset: Int, companion: Int = 0) {
        self.file = file
        self.offset = offset
        self.companion = companion
    }
}
