import Foundation

/// Reads a text file record by record from any place in it, in blocks, with a bound on the length of a record.
///
/// A record ends at a line feed; under RFC 4180 quoting, at the first one outside quotes. The last may end without.
final class LineReader {
    /// One record, without its line end.
    enum Record: Equatable {
        case text([UInt8])
        /// Longer than `byteLimit`; skipped as a whole. The first bytes are given.
        case tooLong([UInt8])
    }

    /// The longest record that is read, in bytes; a longer one is a bad row.
    static let byteLimit = 1 << 20
    private static let blockLength = 1 << 20

    let path: String
    private let handle: FileHandle
    private let quote: UInt8?
    private var block: [UInt8] = []
    private var place = 0
    private var isAtEnd = false
    /// The offset in the file of the first byte not yet given out.
    private(set) var offset: Int

    /// Reads `path` from byte `offset` on; `quoted` says whether quotes may hide line ends.
    init(_ path: String, at offset: Int = 0, quoted: Bool) throws(SourceError) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw SourceError(.unreadable, path, "no such file, or no right to read it")
        }
        self.path = path
        self.handle = handle
        self.offset = offset
        quote = quoted ? UInt8(ascii: "\"") : nil
        do {
            try handle.seek(toOffset: UInt64(offset))
        } catch {
            throw SourceError(.unreadable, path, "\(error)")
        }
    }

    deinit { try? handle.close() }  // read only: nothing can be lost

    /// The next record; nil at the end of the file.
    func next() throws(SourceError) -> Record? {
        var head: [UInt8] = []
        var length = 0
        var isQuoted = false
        while true {
            if place == block.count {
                try fill()
                if isAtEnd { return length == 0 ? nil : finish(head, length, hasLineEnd: false) }
            }
            let end = recordEnd(&isQuoted)
            let room = max(0, Self.byteLimit - head.count)
            head.append(contentsOf: block[place..<min(end ?? block.count, place + room)])
            length += (end ?? block.count) - place
            place = (end ?? block.count) + (end == nil ? 0 : 1)
            if end != nil { return finish(head, length, hasLineEnd: true) }
        }
    }

    /// Counts a record without copying it; false at the end of the file.
    func skip() throws(SourceError) -> Bool {
        var length = 0
        var isQuoted = false
        while true {
            if place == block.count {
                try fill()
                if isAtEnd {
                    offset += length
                    return length > 0
                }
            }
            let end = recordEnd(&isQuoted)
            length += (end ?? block.count) - place + (end == nil ? 0 : 1)
            place = (end ?? block.count) + (end == nil ? 0 : 1)
            if end != nil {
                offset += length
                return true
            }
        }
    }

    private func finish(_ head: [UInt8], _ length: Int, hasLineEnd: Bool) -> Record {
        offset += length + (hasLineEnd ? 1 : 0)
        guard length <= Self.byteLimit else { return .tooLong(Array(head.prefix(200))) }
        return .text(head.last == UInt8(ascii: "\r") ? head.dropLast() : head)
    }

    /// The place in the block of the line feed that ends the record; nil where it goes on behind the block.
    private func recordEnd(_ isQuoted: inout Bool) -> Int? {
        let lineFeed = UInt8(ascii: "\n")
        guard let quote else { return firstIndex(of: lineFeed, from: place) }
        var start = place
        while true {
            if isQuoted {
                guard let close = firstIndex(of: quote, from: start) else { return nil }
                isQuoted = false
                start = close + 1
            } else {
                let end = firstIndex(of: lineFeed, from: start)
                guard let open = firstIndex(of: quote, from: start), open < end ?? block.count else { return end }
                isQuoted = true
                start = open + 1
            }
        }
    }

    private func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        unsafe block.withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = unsafe memchr(base + start, Int32(byte), bytes.count - start)
            else { return nil }
            return unsafe base.distance(to: found)
        }
    }

    private func fill() throws(SourceError) {
        do {
            let data = try handle.read(upToCount: Self.blockLength) ?? Data()
            block = Array(data)
            place = 0
            isAtEnd = data.isEmpty
        } catch {
            throw SourceError(.unreadable, path, error.localizedDescription)
        }
    }
}
