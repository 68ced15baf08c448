import Foundation

/// Reads a text file record by record from any place in it, in blocks, with a bound on the length of a record.
///
/// A record is a line, or several where a field in quotes has line ends in it. A byte order mark at the start of the file is no
/// part of it, blank lines are not records, and the last record may end without a line end.
final class LineReader: RecordReader {
    /// The longest record that is read, in bytes; a longer one is a bad row.
    static let byteLimit = 1 << 20

    private let quoting: FieldQuoting?
    private let width: Int?
    private let keepsBlankLines: Bool
    private var blocks: BlockReader
    var path: String { blocks.path }
    var offset: Int { blocks.offset }

    /// Reads `path` from byte `offset` on, where a record starts.
    ///
    /// `quoting` says how fields may be quoted, nil that quotes are data; records have `width` fields where that is known.
    init(
        _ path: String, at offset: Int = 0, quoting: FieldQuoting? = nil, width: Int? = nil,
        keepsBlankLines: Bool = false, blockLength: Int = BlockReader.usualLength
    ) throws(SourceError) {
        blocks = try BlockReader(path, at: offset, blockLength: blockLength)
        (self.quoting, self.width, self.keepsBlankLines) = (quoting, width, keepsBlankLines)
        if offset == 0, try blocks.fill(), blocks.block.starts(with: byteOrderMark) {
            blocks.place = byteOrderMark.count
        }
    }

    func next() throws(SourceError) -> Record? {
        guard let record = try record() else { return nil }
        guard !record.isTooLong else { return .tooLong(Array(record.bytes.prefix(200))) }
        return .text(Array(record.bytes.last == UInt8(ascii: "\r") ? record.bytes.dropLast() : record.bytes))
    }

    func skip() throws(SourceError) -> Bool { try record() != nil }

    /// A line without its end, or several that are one record.
    private struct Line {
        /// The first bytes of one that is too long.
        var bytes: ArraySlice<UInt8>
        var isTooLong = false

        /// Only spaces, if anything.
        var isBlank: Bool { !isTooLong && bytes.allSatisfy { $0 == 32 || $0 == 13 } }
    }

    private func record() throws(SourceError) -> Line? {
        var found = try line()
        while !keepsBlankLines, found?.isBlank == true { found = try line() }
        guard let quoting, let first = found, !first.isTooLong, first.bytes.contains(FieldQuoting.quote) else {
            return found
        }
        var scanner = QuoteScanner(quoting)
        scanner.read(first.bytes, isFirst: true)
        return scanner.isOpen ? try lines(after: first, scanner) : first
    }

    /// The record that begins with `first`, in which a quote stays open.
    ///
    /// If no later quote can be meant to close it, it is a stray one: a letter like any other, and only its own line is affected.
    /// This depends on nothing but the bytes from the record's start on, so reading gives the same from any start.
    private func lines(after first: Line, _ scanner: QuoteScanner) throws(SourceError) -> Line {
        let next = blocks.offset
        var scanner = scanner
        var bytes = Array(first.bytes)
        while let more = try line(), !more.isTooLong, bytes.count + more.bytes.count < Self.byteLimit {
            bytes.append(UInt8(ascii: "\n"))
            bytes += more.bytes
            scanner.read(more.bytes, isFirst: false)
            guard scanner.isRegular else { break }
            if !scanner.isOpen {
                guard width == nil || scanner.fieldCount == width else { break }
                return Line(bytes: bytes[...])
            }
        }
        try blocks.move(to: next)
        return first
    }

    /// The next line; nil at the end of the file.
    private func line() throws(SourceError) -> Line? {
        guard try blocks.hasByte() else { return nil }
        let start = blocks.place
        if let end = lineEnd() {
            blocks.place = end + 1
            return line(blocks.block[start..<end])
        }
        // It goes on in the next block.
        var bytes = blocks.block[start...]
        blocks.place = blocks.block.count
        while try blocks.fill() {
            let end = lineEnd()
            if bytes.count <= Self.byteLimit { bytes += blocks.block[..<(end ?? blocks.block.count)] }
            blocks.place = end.map { $0 + 1 } ?? blocks.block.count
            if end != nil { break }
        }
        return line(bytes)
    }

    private func line(_ bytes: ArraySlice<UInt8>) -> Line {
        bytes.count <= Self.byteLimit ? Line(bytes: bytes) : Line(bytes: bytes.prefix(Self.byteLimit), isTooLong: true)
    }

    /// The place of the first line feed in the block at hand, from the byte at hand on.
    private func lineEnd() -> Int? {
        let place = blocks.place
        return unsafe blocks.block.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let found = unsafe memchr(base + place, Int32(UInt8(ascii: "\n")), bytes.count - place)
            else { return nil }
            return unsafe base.distance(to: found)
        }
    }
}
