/// Reads a text file record by record from any place in it, in blocks, with a bound on the length of a record.
///
/// A byte order mark at the start of the file is no part of it; the last record may end without a line end.
final class LineReader: RecordReader {
    /// The longest record that is read, in bytes; a longer one is a bad row, and quotes in it end here.
    static let byteLimit = 1 << 20
    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    private var blocks: BlockReader
    private var scanner: RecordScanner
    var path: String { blocks.path }
    /// The offset in the file of the first byte not yet given out.
    private(set) var offset: Int

    /// Reads `path` from byte `offset` on, where a record starts; fields between `quotedBy` may be in quotes.
    init(_ path: String, at offset: Int = 0, quotedBy delimiter: UInt8? = nil) throws(SourceError) {
        blocks = try BlockReader(path, at: offset)
        self.offset = offset
        scanner = RecordScanner(delimiter: delimiter)
        if offset == 0, try blocks.fill(), blocks.block.starts(with: Self.byteOrderMark) {
            (blocks.place, self.offset) = (Self.byteOrderMark.count, Self.byteOrderMark.count)
        }
    }

    func next() throws(SourceError) -> Record? {
        var text: [UInt8] = []
        guard let length = try advance({ text += $0 }) else { return nil }
        guard length <= Self.byteLimit else { return .tooLong(Array(text.prefix(200))) }
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        return .text(text)
    }

    func skip() throws(SourceError) -> Bool { try advance { _ in } != nil }

    /// Goes over one record and says how long it was; nil at the end of the file.
    ///
    /// What happens depends on the record's bytes alone, not on where blocks end: a record is the same from any start.
    private func advance(_ take: (ArraySlice<UInt8>) -> Void) throws(SourceError) -> Int? {
        var length = 0
        while true {
            guard try blocks.hasByte() else {
                offset += length
                return length > 0 ? length : nil
            }
            if length == Self.byteLimit { scanner.giveUpQuotes() }
            let (place, count) = (blocks.place, blocks.block.count)
            let room = length < Self.byteLimit ? Self.byteLimit - length : .max
            let range = place..<(count - place > room ? place + room : count)
            let end = scanner.recordEnd(in: blocks.block, range)
            if length < Self.byteLimit { take(blocks.block[place..<(end ?? range.upperBound)]) }
            length += (end ?? range.upperBound) - place
            blocks.place = end.map { $0 + 1 } ?? range.upperBound
            if end != nil {
                offset += length + 1
                return length
            }
        }
    }
}
