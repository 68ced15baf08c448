import Foundation

/// What a file is that is no list of the wanted form, by its first bytes, and what to do about it.
struct ForeignFile {
    let name: String
    let advice: String

    /// Nil where nothing is known of the file that speaks against a list in text.
    init?(_ head: [UInt8]) {
        let magics: [([UInt8], String, String)] = [
            (Array("PAR1".utf8), "a Parquet file", "read it with format: parquet"),
            ([0x1f, 0x8b], "compressed by gzip", "unpack it"),
            ([0x28, 0xb5, 0x2f, 0xfd], "compressed by zstd", "unpack it"),
            (Array("BZh".utf8), "compressed by bzip2", "unpack it"),
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "compressed by xz", "unpack it"),
            (Array("PK\u{3}\u{4}".utf8), "a zip archive", "unpack it, and name the list in it"),
            (Array("ARROW1".utf8), "an Arrow file", "write it as Parquet"),
            ([0xff, 0xff, 0xff, 0xff], "an Arrow stream", "write it as Parquet"),
            (Array("SQLite format 3".utf8), "an SQLite data base", "write the table as CSV or Parquet"),
            (Array("version https://git-lfs".utf8), "a Git LFS pointer", "fetch what it stands for: git lfs pull"),
            (Array("%PDF".utf8), "a PDF document", "name the list"),
            ([0xff, 0xfe], "text in UTF-16", "say encoding: utf-16"),
            ([0xfe, 0xff], "text in UTF-16", "say encoding: utf-16"),
        ]
        if let (_, name, advice) = magics.first(where: { head.starts(with: $0.0) }) {
            (self.name, self.advice) = (name, advice)
        } else if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) {
            (name, advice) = ("a tar archive", "read it with format: webdataset, or unpack it")
        } else if let order = Self.utf16WithoutMark(head) {
            (name, advice) = ("text in UTF-16", "say encoding: \(order)")
        } else {
            let start = String(decoding: head.prefix(1024), as: UTF8.self).lowercased()
                .drop { $0.isWhitespace || $0 == "\u{feff}" }
            if ["<!doctype html", "<html", "<head", "<body"].contains(where: start.hasPrefix) {
                (name, advice) = ("an HTML page", "it is perhaps an error message of the server: fetch the list again")
            } else if start.hasPrefix("<?xml") || start.hasPrefix("<error") {
                (name, advice) = (
                    "an XML document", "it is perhaps an error message of the server: fetch the list again"
                )
            } else {
                return nil
            }
        }
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
    do {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }  // read only: nothing can be lost
        try file.seek(toOffset: UInt64(offset))
        return Array(try file.read(upToCount: count) ?? Data())
    } catch {
        throw SourceError(.unreadable, path, "no such file, or no right to read it")
    }
}

/// Refuses a file that is no text, or text of another kind or encoding than `wanted`, as a whole.
///
/// A few places of the file are looked at, however long it is.
func refuseForeign(_ path: String, wanted: String) throws(SourceError) {
    let head = try someBytes(of: path)
    if let foreign = ForeignFile(head) { throw SourceError(.malformed, path, foreign.message(wanted: wanted)) }
    guard let byteCount = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int else {
        throw SourceError(.unreadable, path, "no right to read it")
    }
    var (sound, broken) = utf8Sequences(head)
    for part in 1..<8 where byteCount > head.count {
        let more = utf8Sequences(try someBytes(of: path, at: byteCount / 8 * part))
        (sound, broken) = (sound + more.sound, broken + more.broken)
    }
    guard broken <= sound else {
        throw SourceError(
            .malformed, path,
            "this is not UTF-8: \(broken) of its letters are none; say what it is, perhaps encoding: latin-1")
    }
}

/// How many letters beyond ASCII are right in UTF-8, and how many bytes are of none; what `bytes` cut in two is not counted.
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
