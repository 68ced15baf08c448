/// One record of a list, as bytes.
enum Record: Equatable {
    case text([UInt8])
    /// Longer than the reader's limit; skipped as a whole. The first bytes are given.
    case tooLong([UInt8])
}

/// Reads a file record by record from any place where a record starts, with a bound on the length of a record.
protocol RecordReader: AnyObject {
    var path: String { get }
    /// The offset in the file from which the next record can be read by a new reader.
    var offset: Int { get }
    /// The longest record that is read, in bytes.
    static var byteLimit: Int { get }
    /// The next record; nil at the end.
    func next() throws(SourceError) -> Record?
    /// Goes over a record without copying it; false at the end.
    func skip() throws(SourceError) -> Bool
}
