import CTorch
import Glibc

/// A whole file in memory by `mmap`; writes to the memory would stay private to this process.
final class MappedFile {
    let memory: UnsafeMutableRawBufferPointer

    /// Maps the file at `path`, which must not be made shorter while it is in use.
    init(_ path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CheckpointError(.unreadable, path, "not a file") }
        guard status.st_size >= 8 else {
            throw CheckpointError(.truncated, path, "\(status.st_size) bytes are too few for a header")
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

    /// A copy of the bytes `range` of the file.
    func bytes(_ range: Range<Int>) -> [UInt8] { Array(UnsafeRawBufferPointer(rebasing: memory[range])) }

    /// The tensor of `shape` whose elements are the bytes `range` in row order: on this memory where their place allows.
    func tensor(in range: Range<Int>, _ dtype: DType, shape: [Int]) throws(TorchError) -> Tensor {
        let sizes = shape.map(Int64.init)
        let start = memory.baseAddress.map { $0 + range.lowerBound }
        guard range.lowerBound % dtype.byteCount == 0, !range.isEmpty else {
            return try make("tensor") { ct_from_bytes(start, dtype.code, sizes, Int32(sizes.count), &$0) }
        }
        // The tensor keeps the map alive: it holds one more reference, which its end gives back.
        let reference = Unmanaged.passRetained(self)
        do throws(TorchError) {
            return try make("tensor") {
                ct_from_memory(
                    start, dtype.code, sizes, Int32(sizes.count),
                    { context in
                        if let context { Unmanaged<MappedFile>.fromOpaque(context).release() }
                    }, reference.toOpaque(), &$0)
            }
        } catch {
            reference.release()
            throw error
        }
    }

    /// A copy, in row order, of the tensor whose elements stand `strides` apart within the bytes `range`.
    func tensor(
        in range: Range<Int>, _ dtype: DType, shape: [Int], strides: [Int]
    ) throws(TorchError) -> Tensor {
        let (sizes, steps) = (shape.map(Int64.init), strides.map(Int64.init))
        let start = memory.baseAddress.map { $0 + range.lowerBound }
        return try make("tensor") {
            ct_from_strided(start, range.count, dtype.code, sizes, steps, Int32(sizes.count), &$0)
        }
    }

    private static func unreadable(_ path: String) -> CheckpointError {
        CheckpointError(.unreadable, path, String(cString: strerror(errno)))
    }
}
