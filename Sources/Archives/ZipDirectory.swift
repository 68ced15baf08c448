import Glibc

/// `a/b` of `./a/b` and `a//./b`, which are the same file of a folder.
func plainPath(_ path: String) -> String {
    guard path.hasPrefix("./") || path.contains("//") || path.contains("/./") else { return path }
    let parts = path.split(separator: "/").filter { $0 != "." }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
}

/// Reads the central directory of a zip archive; every number in it is checked before it is used.
struct ZipDirectory {
    private let path: String
    private let descriptor: Int32
    private let byteCount: Int

    init(_ path: String, _ descriptor: Int32) throws(ArchiveError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ArchiveError(systemFault: errno, path) }
        (self.path, self.descriptor, byteCount) = (path, descriptor, Int(status.st_size))
    }

    func entries() throws(ArchiveError) -> [String: ZipArchive.Entry] {
        let range = try directory()
        let bytes = try pread(descriptor, path, at: range.lowerBound, count: range.count)
        var entries: [String: ZipArchive.Entry] = [:]
        var place = 0
        while place + 46 <= bytes.count, bytes.uint32(place) == 0x0201_4b50 {
            let (nameLength, extraLength) = (bytes.uint16(place + 28), bytes.uint16(place + 30))
            let end = place + 46 + nameLength + extraLength + bytes.uint16(place + 32)
            guard end <= bytes.count else { throw fault("its directory is cut off") }
            let name = String(decoding: bytes[(place + 46)..<(place + 46 + nameLength)], as: UTF8.self)
            let extra = (place + 46 + nameLength)..<(place + 46 + nameLength + extraLength)
            if !name.hasSuffix("/"), let entry = try entry(bytes, place, extra, name) {
                entries[plainPath(name)] = entry
            }
            place = end
        }
        guard place == bytes.count || bytes.count - place >= 4 && bytes.uint32(place) == 0x0505_4b50 else {
            throw fault("its directory is damaged at byte \(range.lowerBound + place)")
        }
        return entries
    }

    /// Where the central directory is.
    private func directory() throws(ArchiveError) -> Range<Int> {
        // 1. The end record is the last thing, but for a comment of up to 65,535 bytes.
        let tailCount = min(byteCount, 22 + 65_535)
        let tailOffset = byteCount - tailCount
        let tail = try pread(descriptor, path, at: tailOffset, count: tailCount)
        guard
            let end = stride(from: tailCount - 22, through: 0, by: -1).first(where: {
                tail.uint32($0) == 0x0605_4b50 && $0 + 22 + tail.uint16($0 + 20) <= tailCount
            })
        else { throw fault("not a zip archive, or cut off") }
        var (count, offset) = (tail.uint32(end + 12), tail.uint32(end + 16))
        // 2. Where a number does not fit, a locator in front of the record leads to one with wider fields.
        if count == 0xffff_ffff || offset == 0xffff_ffff || tail.uint16(end + 10) == 0xffff {
            let locator = tailOffset + end - 20
            let found = locator >= 0 ? try pread(descriptor, path, at: locator, count: 20) : []
            if found.count == 20, found.uint32(0) == 0x0706_4b50, let place = found.uint64(8) {
                let record = try pread(descriptor, path, at: place, count: 56)
                guard record.uint32(0) == 0x0606_4b50, let wideCount = record.uint64(40),
                    let wideOffset = record.uint64(48)
                else { throw fault("its ZIP64 end record is damaged") }
                (count, offset) = (wideCount, wideOffset)
            }
        }
        guard offset + count <= byteCount else { throw fault("its directory is outside the file") }
        return offset..<(offset + count)
    }

    /// The entry whose record is at `place`; nil for members that are not plain files.
    private func entry(
        _ bytes: [UInt8], _ place: Int, _ extra: Range<Int>, _ name: String
    ) throws(ArchiveError) -> ZipArchive.Entry? {
        let method = bytes.uint16(place + 10)
        guard bytes.uint16(place + 8) & 1 == 0, method == 0 || method == 8 else {
            throw ArchiveError(.unsupported, path, "\(name) is encrypted, or compressed by method \(method)")
        }
        var numbers = [bytes.uint32(place + 24), bytes.uint32(place + 20), bytes.uint32(place + 42)]
        // The fields that are all ones stand in the ZIP64 extra field, in this order.
        var wide = zip64(bytes, extra)
        for index in numbers.indices where numbers[index] == 0xffff_ffff {
            guard wide.count >= 8, let number = bytes.uint64(wide.lowerBound) else {
                throw fault("\(name) has no ZIP64 field")
            }
            numbers[index] = number
            wide = (wide.lowerBound + 8)..<wide.upperBound
        }
        guard numbers[2] + 30 <= byteCount, numbers[1] <= byteCount else {
            throw fault("\(name) is outside the file")
        }
        return ZipArchive.Entry(
            isDeflated: method == 8, crc32: UInt32(bytes.uint32(place + 16)), compressedByteCount: numbers[1],
            byteCount: numbers[0], headerOffset: numbers[2])
    }

    /// The contents of the ZIP64 extra field; empty where there is none.
    private func zip64(_ bytes: [UInt8], _ extra: Range<Int>) -> Range<Int> {
        var place = extra.lowerBound
        while place + 4 <= extra.upperBound {
            let (tag, end) = (bytes.uint16(place), place + 4 + bytes.uint16(place + 2))
            guard end <= extra.upperBound else { break }
            if tag == 1 { return (place + 4)..<end }
            place = end
        }
        return extra.lowerBound..<extra.lowerBound
    }

    private func fault(_ text: String) -> ArchiveError { ArchiveError(.malformed, path, text) }
}
