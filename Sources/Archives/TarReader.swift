import CArchive
import Files
import Glibc

/// Reads the members of any tar in order: plain, or through gzip, zstd, bzip2 or xz.
package final class TarReader {
    /// A member of the archive; its bytes are read before the next one is asked for, or not at all.
    package struct Member: Equatable, Sendable {
        package enum Kind: Sendable {
            case file
            case folder
            /// A link, a device, a pipe: nothing that a data set should hold.
            case other
        }

        package let name: String
        package let byteCount: Int
        /// Where the member's header starts in the file; of a compressed one, in what it is decompressed to.
        package let offset: Int
        package let kind: Kind
    }

    package let path: String
    private let handle: car_reader_t
    private let start: Int

    /// Opens `path` from byte `offset` on, where a member starts; only plain archives can be entered so.
    package init(_ path: String, at offset: Int = 0) throws(ArchiveError) {
        (self.path, handle, start) = (path, try openReader(path) { car_open($0, Int64(offset)) }, offset)
    }

    deinit { car_free(handle) }

    /// Whether the archive is compressed; known after the first member.
    package var isCompressed: Bool { car_is_compressed(handle) != 0 }

    /// The next member; nil at the end.
    package func next() throws(ArchiveError) -> Member? {
        var (name, size, position): (UnsafePointer<CChar>?, Int64, Int64) = (nil, 0, 0)
        var kind = CAR_FILE
        switch car_next(handle, &name, &size, &position, &kind) {
        case 0: return nil
        case 1:
            return Member(
                name: name.map { String(cString: $0) } ?? "", byteCount: max(0, Int(size)),
                offset: start + Int(position), kind: kind == CAR_FILE ? .file : kind == CAR_FOLDER ? .folder : .other)
        default: throw ArchiveError(faultOf: handle, path)
        }
    }

    /// The bytes of `member`, which is the one that `next` gave last.
    package func read(_ member: Member, byteLimit: Int) throws(ArchiveError) -> [UInt8] {
        guard member.byteCount <= byteLimit else {
            throw ArchiveError(.tooLarge, path, "\(member.name) has \(member.byteCount) bytes, more than \(byteLimit)")
        }
        var bytes = [UInt8](repeating: 0, count: member.byteCount)
        var done = 0
        while done < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Int(car_read(handle, $0.baseAddress.map { $0 + done }, $0.count - done))
            }
            guard got >= 0 else { throw ArchiveError(faultOf: handle, path) }
            guard got > 0 else { throw ArchiveError(.malformed, path, "\(member.name) is cut off") }
            done += got
        }
        return bytes
    }
}

/// The reader that `open` makes of the plain file `path`.
func openReader(_ path: String, _ open: (Int32) -> car_reader_t?) throws(ArchiveError) -> car_reader_t {
    let descriptor = try openArchive(path)
    guard let reader = open(descriptor) else {
        let number = errno
        close(descriptor)
        throw ArchiveError(systemFault: number, path)
    }
    return reader
}

/// A descriptor of the plain file `path`.
func openArchive(_ path: String) throws(ArchiveError) -> Int32 {
    do { return try openPlainFile(path) } catch { throw ArchiveError(error) }
}

extension ArchiveError {
    /// What was wrong when `reader` read the archive `path`.
    init(faultOf reader: car_reader_t, _ path: String) {
        let number = car_system_fault(reader)
        if number != 0 {
            self.init(systemFault: number, path)
        } else {
            self.init(.malformed, path, String(cString: car_error(reader)))
        }
    }
}
