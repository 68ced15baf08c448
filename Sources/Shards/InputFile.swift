import Glibc

/// A file open for reading at any place.
final class InputFile {
    let path: String
    let byteCount: Int
    private let descriptor: Int32

    init(_ path: String) throws(ShardError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError(path, "open") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = systemError(path, "stat")
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Exactly `count` bytes from `offset` on.
    func read(at offset: Int, count: Int) throws(ShardError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try read(at: offset, into: &bytes)
        guard got == count else { throw ShardError(.system, path, "the file ended early") }
        return bytes
    }

    /// Fills `buffer` from `offset` on; gives how many bytes there were, fewer only at the end of the file.
    func read(at offset: Int, into buffer: inout [UInt8]) throws(ShardError) -> Int {
        var done = 0
        while done < buffer.count {
            let got = buffer.withUnsafeMutableBytes { bytes in
                pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw systemError(path, "read") }
            guard got > 0 else { break }
            done += got
        }
        return done
    }
}

/// What the system said of the last call.
func systemError(_ path: String, _ step: String) -> ShardError {
    ShardError(.system, path, "\(step): \(String(cString: strerror(errno)))", number: errno)
}
