import Glibc
package import Samples

/// A plain file that is open for reading in ranges.
package final class OpenedFile: ByteRanges {
    package let name: String
    package let byteCount: Int
    private let descriptor: Int32

    /// Opens the file `path`; a pipe or a device is refused, and never makes it wait.
    package init(_ path: String) throws(UnreadableFile) {
        let descriptor = try openPlainFile(path)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let number = errno
            close(descriptor)
            throw UnreadableFile(path: path, number: number)
        }
        name = path
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
    }

    deinit { close(descriptor) }

    package func read(at offset: Int, into buffer: inout [UInt8]) throws(UnreadableBytes) -> Int {
        var done = 0
        while done < buffer.count {
            let got = buffer.withUnsafeMutableBytes { bytes in
                pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw UnreadableBytes(name, String(cString: strerror(errno)), number: errno) }
            guard got > 0 else { break }
            done += got
        }
        return done
    }
}

extension UnreadableBytes: SystemFault {}
