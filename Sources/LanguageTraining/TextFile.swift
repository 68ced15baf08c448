import Files

/// A text file of UTF-8, a text a line, that is read in blocks of whole lines.
///
/// Blank lines are no texts; a byte order mark and carriage returns at the ends of lines are left out.
struct TextFile: Sendable {
    /// Lines that lie together in the file.
    struct Block: Equatable, Sendable {
        /// The bytes' places.
        let bytes: Range<Int>
        /// How many texts they hold.
        let texts: Int
    }

    /// The longest line in bytes.
    static let longestLine = 1 << 20
    private static let lineFeed = UInt8(ascii: "\n")

    let path: String
    private let file: OpenedFile

    /// - Throws: `unreadable`.
    init(_ path: String) throws(TextError) {
        self.path = path
        do {
            file = try OpenedFile(path)
        } catch {
            throw TextError(.unreadable, path, error.reason)
        }
    }

    var byteCount: Int { file.byteCount }

    /// The blocks of the file, of about `length` bytes each, and each one's bytes for `body`.
    ///
    /// - Throws: `malformed` for lines that cannot be used, by their numbers.
    func blocks(length: Int, _ body: ([UInt8]) -> Void) throws(TextError) -> [Block] {
        var (blocks, start, lines) = ([Block](), 0, 0)
        while start < byteCount {
            let bytes = try block(at: start, length: length, line: lines + 1)
            body(bytes)
            guard let texts = Self.texts(bytes, isFirst: start == 0) else { throw malformed(bytes, after: lines) }
            lines += bytes.count { $0 == Self.lineFeed }
            if !texts.isEmpty { blocks.append(Block(bytes: start..<start + bytes.count, texts: texts.count)) }
            start += bytes.count
        }
        return blocks
    }

    /// The texts of `block`.
    ///
    /// - Throws: `unreadable`; `malformed` where the file was changed since its blocks were found.
    func texts(of block: Block) throws(TextError) -> [String] {
        let bytes = try read(block.bytes)
        guard let texts = Self.texts(bytes, isFirst: block.bytes.lowerBound == 0), texts.count == block.texts else {
            throw TextError(.malformed, path, "changed while it was read: start again")
        }
        return texts
    }

    /// Whole lines from `start` on: `length` bytes, and what is left of the last line.
    private func block(at start: Int, length: Int, line: Int) throws(TextError) -> [UInt8] {
        var bytes = try read(start..<min(byteCount, start + length))
        while start + bytes.count < byteCount, bytes.last != Self.lineFeed {
            let from = start + bytes.count
            let more = try read(from..<min(byteCount, from + 4096))
            let end = more.firstIndex(of: Self.lineFeed).map { $0 + 1 } ?? more.count
            bytes += more[..<end]
            guard bytes.count <= length + Self.longestLine else {
                throw TextError(
                    .malformed, path,
                    "a line behind line \(line) has more than \(Self.longestLine) bytes: want a text a line")
            }
        }
        return bytes
    }

    private func read(_ range: Range<Int>) throws(TextError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        do {
            guard try file.read(at: range.lowerBound, into: &bytes) == range.count else {
                throw TextError(.unreadable, path, "shorter than it was: start again")
            }
        } catch let error as TextError {
            throw error
        } catch {
            throw TextError(.unreadable, path, "\(error)")
        }
        return bytes
    }

    /// The texts in `bytes`; nil where they are no UTF-8.
    private static func texts(_ bytes: [UInt8], isFirst: Bool) -> [String]? {
        var texts: [String] = []
        let start = isFirst && bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        for line in bytes[start...].split(separator: lineFeed) {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let text = String(validating: line, as: UTF8.self) else { return nil }
            if !text.allSatisfy(\.isWhitespace) { texts.append(text) }
        }
        return texts
    }

    /// The error of the first line of `bytes`, behind `lines` others, that is no UTF-8.
    private func malformed(_ bytes: [UInt8], after lines: Int) -> TextError {
        let all = bytes.split(separator: Self.lineFeed, omittingEmptySubsequences: false)
        let bad = all.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        return TextError(.malformed, path, "line \(lines + bad + 1): not UTF-8: convert the file")
    }
}
