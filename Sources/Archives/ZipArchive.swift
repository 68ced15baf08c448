import CArchive
import Glibc

/// A zip archive whose members are read in place, in any order, by many tasks at once.
///
/// The central directory is held, about 150 bytes a member: the 82,783 of COCO's train2014.zip are 12 MB. Members are
/// stored or deflated, archives may be larger than 4 GiB (ZIP64). Source: PKWARE APPNOTE.TXT 6.3.
package final class ZipArchive: Sendable {
    struct Entry: Equatable {
        let isDeflated: Bool
        let crc32: UInt32
        let compressedByteCount: Int
        let byteCount: Int
        let headerOffset: Int
    }

    package let path: String
    private let descriptor: Int32
    private let entries: [String: Entry]

    /// Opens the archive `path` and reads its directory.
    package init(_ path: String) throws(ArchiveError) {
        let descriptor = try openArchive(path)
        do throws(ArchiveError) {
            entries = try ZipDirectory(path, descriptor).entries()
        } catch {
            close(descriptor)
            throw error
        }
        (self.path, self.descriptor) = (path, descriptor)
    }

    deinit { close(descriptor) }

    package var memberCount: Int { entries.count }
    package var memberNames: [String] { entries.keys.sorted() }

    /// The bytes of the member `name`, checked against its CRC-32; nil where there is no such member.
    package func read(_ name: String, byteLimit: Int) throws(ArchiveError) -> [UInt8]? {
        guard let entry = entries[plainPath(name)] else { return nil }
        guard entry.byteCount <= byteLimit, entry.compressedByteCount <= byteLimit + 1024 + byteLimit / 16 else {
            throw ArchiveError(.tooLarge, path, "\(name) has \(entry.byteCount) bytes, more than \(byteLimit)")
        }
        let header = try pread(descriptor, path, at: entry.headerOffset, count: 30)
        guard header.uint32(0) == 0x0403_4b50 else { throw ArchiveError(.malformed, path, "\(name) has no header") }
        let start = entry.headerOffset + 30 + header.uint16(26) + header.uint16(28)
        let stored = try pread(descriptor, path, at: start, count: entry.compressedByteCount)
        let bytes = entry.isDeflated ? try inflated(stored, entry, name) : stored
        let sum = bytes.withUnsafeBytes { car_crc32($0.baseAddress, $0.count) }
        guard sum == entry.crc32 else { throw ArchiveError(.malformed, path, "\(name) does not match its checksum") }
        return bytes
    }

    private func inflated(_ stored: [UInt8], _ entry: Entry, _ name: String) throws(ArchiveError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: entry.byteCount)
        let status = stored.withUnsafeBytes { from in
            bytes.withUnsafeMutableBytes { to in car_inflate(from.baseAddress, from.count, to.baseAddress, to.count) }
        }
        guard status != -2 else { throw ArchiveError(.noMemory, path, "no memory to decompress \(name)") }
        guard status == 0 else { throw ArchiveError(.malformed, path, "\(name) cannot be decompressed") }
        return bytes
    }
}

/// Exactly `count` bytes of an open file.
func pread(_ descriptor: Int32, _ path: String, at offset: Int, count: Int) throws(ArchiveError) -> [UInt8] {
    guard offset >= 0, count >= 0 else { throw ArchiveError(.malformed, path, "a place outside the file") }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
        let got = bytes.withUnsafeMutableBytes {
            Glibc.pread(descriptor, $0.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
        }
        if got < 0, errno == EINTR { continue }
        guard got >= 0 else { throw ArchiveError(systemFault: errno, path) }
        guard got > 0 else { throw ArchiveError(.malformed, path, "the file ended early") }
        done += got
    }
    return bytes
}

extension [UInt8] {
    /// The little-endian number of 2 bytes at `offset`, which is in the array.
    func uint16(_ offset: Int) -> Int { Int(self[offset]) | Int(self[offset + 1]) << 8 }
    func uint32(_ offset: Int) -> Int { uint16(offset) | uint16(offset + 2) << 16 }
    /// Nil where the number is over 2^62, which no place in a file is.
    func uint64(_ offset: Int) -> Int? {
        let high = uint32(offset + 4)
        return high < 1 << 30 ? uint32(offset) | high << 32 : nil
    }
}
