import Files
import Foundation

/// What a file is that is not a list of the wanted form, by its first bytes, and what to do about it.
struct ForeignFile {
    let name: String
    let advice: String

    /// Nil where nothing is known of the file that speaks against a list in text.
    init?(_ head: [UInt8]) {
        if let (_, name, advice) = Self.signatures.first(where: { head.starts(with: $0.0) }) {
            (self.name, self.advice) = (name, advice)
        } else if let compression = Compression(of: head) {
            (name, advice) = ("compressed by \(compression)", "unpack it")
        } else if GitLFSPointer.begins(head) {
            (name, advice) = ("a Git LFS pointer", "fetch the file itself: git lfs pull")
        } else if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) {
            (name, advice) = ("a tar archive", "read it with format: webdataset, or unpack it")
        } else if let order = Self.utf16WithoutMark(head) {
            (name, advice) = ("text in UTF-16", "set encoding: \(order)")
        } else if let document = Self.document(head) {
            (name, advice) = (document, "it may be an error message of the server: fetch the list again")
        } else {
            return nil
        }
    }

    private static let signatures: [([UInt8], String, String)] = [
        (Array("PAR1".utf8), "a Parquet file", "read it with format: parquet"),
        (Array("PK\u{3}\u{4}".utf8), "a zip archive", "unpack it, and name the list in it"),
        (Array("ARROW1".utf8), "an Arrow file", "write it as Parquet"),
        ([0xff, 0xff, 0xff, 0xff], "an Arrow stream", "write it as Parquet"),
        (Array("SQLite format 3".utf8), "an SQLite database", "write the table as CSV or Parquet"),
        (Array("%PDF".utf8), "a PDF document", "name the list"),
        ([0xff, 0xfe], "text in UTF-16", "set encoding: utf-16"),
        ([0xfe, 0xff], "text in UTF-16", "set encoding: utf-16"),
    ]

    /// What servers send in the place of a list.
    private static func document(_ head: [UInt8]) -> String? {
        let start = String(decoding: head.prefix(1024), as: UTF8.self).lowercased()
            .drop { $0.isWhitespace || $0 == "\u{feff}" }
        if ["<!doctype html", "<html", "<head", "<body"].contains(where: start.hasPrefix) { return "an HTML page" }
        return start.hasPrefix("<?xml") || start.hasPrefix("<error") ? "an XML document" : nil
    }

    /// What a person is told who wanted `wanted` there.
    func message(wanted: String) -> String { "this is \(name), not \(wanted); \(advice)" }

    /// The encoding of text in which every other byte is 0.
    private static func utf16WithoutMark(_ head: [UInt8]) -> String? {
        let bytes = head.prefix(64)
        guard bytes.count >= 8 else { return nil }
        let zeros = (0..<2).map { parity in bytes.indices.filter { $0 % 2 == parity && bytes[$0] == 0 }.count }
        let half = bytes.count / 2
        if zeros[0] == 0, zeros[1] * 10 >= half * 9 { return "utf-16le" }
        if zeros[1] == 0, zeros[0] * 10 >= half * 9 { return "utf-16be" }
        return nil
    }
}

/// The first bytes of the file `path`, or those from `offset` on.
func someBytes(of path: String, at offset: Int = 0, count: Int = 64 << 10) throws(SourceError) -> [UInt8] {
    let file = try openList(path)
    do {
        try file.seek(toOffset: UInt64(offset))
        return Array(try file.read(upToCount: count) ?? Data())
    } catch {
        throw SourceError(.unreadable, path, error.localizedDescription)
    }
}

/// The first of `head`, which begins a file, that is neither white space nor a byte order mark.
func firstToken(of head: [UInt8]) -> UInt8? {
    let text = head.starts(with: byteOrderMark) ? head[byteOrderMark.count...] : head[...]
    return text.first { ![32, 10, 13, 9].contains($0) }
}

/// Refuses a file that is not text, or text of another kind or encoding than `wanted`, as a whole.
///
/// A few places of the file are looked at, however long it is.
func refuseForeign(_ path: String, wanted: String) throws(SourceError) {
    let head = try someBytes(of: path)
    if let foreign = ForeignFile(head) { throw SourceError(.malformed, path, foreign.message(wanted: wanted)) }
    let file = try openList(path)
    let byteCount: Int
    do {
        byteCount = Int(try file.seekToEnd())
    } catch {
        throw SourceError(.unreadable, path, error.localizedDescription)
    }
    var (sound, broken) = utf8Sequences(head)
    var seen = head.count
    for part in 1..<8 where byteCount > head.count {
        let bytes = try someBytes(of: path, at: byteCount / 8 * part)
        let more = utf8Sequences(bytes)
        (sound, broken, seen) = (sound + more.sound, broken + more.broken, seen + bytes.count)
    }
    // A byte in ten thousand is damage, which its row bears alone; more of them are the letters of another encoding.
    let damage = seen < 1000 ? 0 : 1 + seen / 10_000
    guard broken <= max(sound, damage) else {
        throw SourceError(
            .malformed, path,
            "this is not UTF-8: \(broken) of the bytes checked are invalid; set its encoding, such as encoding: latin-1"
        )
    }
}

/// How many letters beyond ASCII are sound UTF-8, and how many bytes belong to none; a letter cut off at either end of `bytes` is
/// not counted.
func utf8Sequences(_ bytes: [UInt8]) -> (sound: Int, broken: Int) {
    var (sound, broken) = (0, 0)
    var place = bytes.prefix(3).prefix { $0 & 0xc0 == 0x80 }.count
    while place < bytes.count {
        let first = bytes[place]
        guard first >= 0x80 else {
            place += 1
            continue
        }
        let length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1
        // Cut in two by the end.
        if place + length > bytes.count, bytes[(place + 1)...].allSatisfy({ $0 & 0xc0 == 0x80 }) { break }
        let isSound =
            length > 1 && first < 0xf5 && place + length <= bytes.count
            && bytes[(place + 1)..<(place + length)].allSatisfy { $0 & 0xc0 == 0x80 }
        if isSound { sound += 1 } else { broken += 1 }
        place += isSound ? length : 1
    }
    return (sound, broken)
}
