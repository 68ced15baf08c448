import Glibc

/// A whole file in memory by `mmap`; writes to the memory would stay private to this process.
final class MappedFile {
    let memory: UnsafeMutableRawBufferPointer

    /// Maps the file at `path`, which must not be made shorter while it is in use.
    init(_ path: String) throws(SafetensorsError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SafetensorsError(.unreadable, path, "not a file") }
        guard status.st_size >= 8 else {
            throw SafetensorsError(.truncated, path, "\(status.st_size) bytes are too few for a header")
        }
        let size = Int(status.st_size)
        guard let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0),
            start != MAP_FAILED
        else { throw Self.unreadable(path) }
        memory = UnsafeMutableRawBufferPointer(start: start, count: size)
    }

    /// Gives the memory back that was read so far; it is read from the file again where it is still used.
    ///
    /// Only for a file whose memory was not written to: that would be lost.
    func releasePages() { madvise(memory.baseAddress, memory.count, MADV_DONTNEED) }

    deinit { munmap(memory.baseAddress, memory.count) }

    private static func unreadable(_ path: String) -> SafetensorsError {
        SafetensorsError(.unreadable, path, String(cString: strerror(errno)))
    }
}
