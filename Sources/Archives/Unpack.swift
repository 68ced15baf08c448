import CArchive
import Files
import Glibc

/// Whether the bytes of the file `path` are compressed in a way that `unpack` knows, whatever the file's name says.
package func isCompressed(_ path: String) throws(ArchiveError) -> Bool {
    let descriptor = try openArchive(path)
    defer { close(descriptor) }
    var head = [UInt8](repeating: 0, count: 6)
    let count = head.withUnsafeMutableBytes { Glibc.pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw ArchiveError(systemFault: errno, path) }
    return Compression(of: head.prefix(count)) != nil
}

/// Writes what the compressed file `path` (gzip, zstd, bzip2 or xz) holds to the file `target`, which is there only when it is
/// whole.
///
/// A megabyte at a time is in memory.
/// - Throws: `unwritable` where `target` cannot be written; every other fault is of `path`.
package func unpack(_ path: String, to target: String) throws(ArchiveError) {
    let handle = try openReader(path, car_open_raw)
    defer { car_free(handle) }
    var (name, size, position): (UnsafePointer<CChar>?, Int64, Int64) = (nil, 0, 0)
    var kind = CAR_FILE
    guard car_next(handle, &name, &size, &position, &kind) == 1 else {
        throw ArchiveError(faultOf: handle, path)
    }
    guard car_is_compressed(handle) != 0 else {
        throw ArchiveError(.malformed, path, "not compressed by gzip, zstd, bzip2 or xz")
    }
    try writing(target) { file in
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Int(buffer.withUnsafeMutableBytes { car_read(handle, $0.baseAddress, $0.count) })
            guard count >= 0 else { throw ArchiveError(faultOf: handle, path) }
            if count == 0 { return }
            try file.write(buffer[..<count])
        }
    }
}

/// Writes the text of the file `path`, which is in `encoding`, to the file `target` in UTF-8, which is there only when it is
/// whole; bytes that the encoding does not have become U+FFFD.
///
/// A megabyte at a time is in memory. `encoding` is a name that iconv knows.
/// - Throws: `unwritable` where `target` cannot be written; every other fault is of `path`, or `encoding` is not known.
package func recode(_ path: String, from encoding: String, to target: String) throws(ArchiveError) {
    guard let recoder = car_recoder_open(encoding) else {
        throw ArchiveError(.unsupported, path, "this machine cannot read the encoding \(encoding)")
    }
    defer { car_recoder_free(recoder) }
    let descriptor = try openArchive(path)
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
                guard got >= 0 else { throw ArchiveError(systemFault: errno, path) }
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

/// Makes the file `target` of what `body` writes.
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
