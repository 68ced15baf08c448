import Foundation

/// Reads a text file record by record from any place in it, in blocks, with a bound on the length of a record.
///
/// A byte order mark at the start of the file is no part of it; the last record may end without a line end.
final class LineReader {
    /// One record, without its line end.
    enum Record: Equatable {
        case text([UInt8])
        /// Longer than `byteLimit`; skipped as a whole. The first bytes are given.
        case tooLong([UInt8])
    }

    /// The longest record that is read, in bytes; a longer one is a bad row, and quotes in it end here.
    static let byteLimit = 1 << 20
    private static let blockLength = 1 << 20
    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    let path: String
    private let handle: FileHandle
    private var scanner: RecordScanner
    private var block: [UInt8] = []
    private var place = 0
    /// The offset in the file of the first byte not yet given out.
    private(set) var offset: Int

    /// Reads `path` from byte `offset` on, where a record starts; fields between `quotedBy` may be in quotes.
    init(_ path: String, at offset: Int = 0, quotedBy delimiter: UInt8?) throws(SourceError) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw SourceError(.unreadable, path, "no such file, or no right to read it")
        }
        self.path = path
        self.handle = handle
        self.offset = offset
        scanner = RecordScanner(delimiter: delimiter)
        do {
            try handle.seek(toOffset: UInt64(offset))
        } catch {
            throw SourceError(.unreadable, path, "\(error)")
        }
        if offset == 0, try fill(), block.starts(with: Self.byteOrderMark) {
            (place, self.offset) = (Self.byteOrderMark.count, Self.byteOrderMark.count)
        }
    }

    deinit { try? handle.close() }  // read only: nothing can be lost

    /// The next record; nil at the end of the file.
    func next() throws(SourceError) -> Record? {
        var text: [UInt8] = []
        guard let length = try advance({ text += $0 }) else { return nil }
        guard length <= Self.byteLimit else { return .tooLong(Array(text.prefix(200))) }
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        return .text(text)
    }

    /// Goes over a record without copying it; false at the end of the file.
    func skip() throws(SourceError) -> Bool { try advance { _ in } != nil }

    /// Goes over one record and says how long it was; nil at the end of the file.
    ///
    /// What happens depends on the record's bytes alone, not on where blocks end: a record is the same from any start.
    private func advance(_ take: (ArraySlice<UInt8>) -> Void) throws(SourceError) -> Int? {
        var length = 0
        while true {
            if place == block.count, try !fill() {
                offset += length
                return length > 0 ? length : nil
            }
            if length == Self.byteLimit { scanner.giveUpQuotes() }
            let room = length < Self.byteLimit ? Self.byteLimit - length : .max
            let range = place..<(block.count - place > room ? place + room : block.count)
            let end = scanner.recordEnd(in: block, range)
            if length < Self.byteLimit { take(block[place..<(end ?? range.upperBound)]) }
            length += (end ?? range.upperBound) - place
            place = end.map { $0 + 1 } ?? range.upperBound
            if end != nil {
                offset += length + 1
                return length
            }
        }
    }

    /// Reads the next block; false at the end of the file.
    private func fill() throws(SourceError) -> Bool {
        do {
            block = Array(try handle.read(upToCount: Self.blockLength) ?? Data())
            place = 0
            return !block.isEmpty
        } catch {
            throw SourceError(.unreadable, path, error.localizedDescription)
        }
    }
}
