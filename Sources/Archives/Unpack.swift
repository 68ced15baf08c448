import CArchive
import Files
import Glibc

/// Whether the bytes of the file `path` are compressed in a way that `unpack` knows, whatever the file's name says.
package func isCompressed(_ path: String) throws(ArchiveError) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ArchiveError(.unreadable, path, String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var head = [UInt8](repeating: 0, count: 6)
    let count = head.withUnsafeMutableBytes { Glibc.pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw ArchiveError(.unreadable, path, String(cString: strerror(errno))) }
    let magics: [[UInt8]] = [
        [0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd], Array("BZh".utf8), [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
    ]
    return magics.contains { head.prefix(count).starts(with: $0) }
}

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
    try writing(target) { file in
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Int(buffer.withUnsafeMutableBytes { car_read(handle, $0.baseAddress, $0.count) })
            guard count >= 0 else { throw ArchiveError(.malformed, path, String(cString: car_error(handle))) }
            if count == 0 { return }
            try file.write(buffer[..<count])
        }
    }
}

/// Writes the text of the file `path`, which is in `encoding`, to the file `target` in UTF-8, which is there only when it is
/// whole; bytes that are no letter become U+FFFD.
///
/// A megabyte at a time is in memory. `encoding` is a name that iconv knows.
/// - Throws: `unreadable` or `unsupported` for a fault of the file, `unwritable` for one of the disk.
package func recode(_ path: String, from encoding: String, to target: String) throws(ArchiveError) {
    guard let recoder = car_recoder_open(encoding) else {
        throw ArchiveError(.unsupported, path, "this machine does not know the encoding \(encoding)")
    }
    defer { car_recoder_free(recoder) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ArchiveError(.unreadable, path, String(cString: strerror(errno))) }
    defer { close(descriptor) }
    try writing(target) { file in
        var text = [UInt8](repeating: 0, count: 4 << 20)
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var isLast = false
        while !isLast || !input.isEmpty {
            if !isLast, input.count < buffer.count {
                let got = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw ArchiveError(.unreadable, path, String(cString: strerror(errno))) }
                isLast = got == 0
                input += buffer[..<got]
            }
            var used = 0
            let made = input.withUnsafeBytes { from in
                text.withUnsafeMutableBytes { to in
                    car_recode(recoder, from.baseAddress, from.count, &used, to.baseAddress, to.count, isLast ? 1 : 0)
                }
            }
            try file.write(text[..<made])
            input.removeFirst(used)
        }
    }
}

/// Makes the file `target` of what `body` writes; the other faults than its own are of the disk.
private func writing(_ target: String, _ body: (OpenFile) throws -> Void) throws(ArchiveError) {
    do {
        try writeFile(target, body)
    } catch let error as FileError {
        throw ArchiveError(.unwritable, error.path, error.reason)
    } catch let error as ArchiveError {
        throw error
    } catch {
        preconditionFailure("nothing else is thrown: \(error)")
    }
}
