import CArchive
import Files
import Glibc

/// Writes what the compressed file `path` (gzip, zstd, bzip2 or xz) holds to the file `target`, which is there only when it is
/// whole.
///
/// A megabyte at a time is in memory.
/// - Throws: `unreadable` or `malformed` for a fault of the file, `unwritable` for one of the disk.
package func unpack(_ path: String, to target: String) throws(ArchiveError) {
    guard let handle = car_open_raw(path) else {
        throw ArchiveError(.unreadable, path, String(cString: strerror(errno)))
    }
    defer { car_free(handle) }
    var (name, size, position): (UnsafePointer<CChar>?, Int64, Int64) = (nil, 0, 0)
    var kind = CAR_FILE
    guard car_next(handle, &name, &size, &position, &kind) == 1 else {
        throw ArchiveError(.malformed, path, String(cString: car_error(handle)))
    }
    guard car_is_compressed(handle) != 0 else {
        throw ArchiveError(.malformed, path, "not compressed by gzip, zstd, bzip2 or xz")
    }
    do {
        try writeFile(target) { file in
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = Int(buffer.withUnsafeMutableBytes { car_read(handle, $0.baseAddress, $0.count) })
                guard count >= 0 else { throw ArchiveError(.malformed, path, String(cString: car_error(handle))) }
                if count == 0 { return }
                try file.write(buffer[..<count])
            }
        }
    } catch let error as FileError {
        throw ArchiveError(.unwritable, error.path, error.reason)
    } catch let error as ArchiveError {
        throw error
    } catch {
        preconditionFailure("nothing else is thrown: \(error)")
    }
}
