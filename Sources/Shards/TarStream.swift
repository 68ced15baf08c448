import CZstd
import Digests
import Samples

/// The tar of a shard as a stream of bytes: decompresses the one frame of a file, block by block.
final class TarStream {
    private let file: any ByteRanges
    private let context: OpaquePointer
    private let digester: Digester?
    private var input = [UInt8](repeating: 0, count: ZSTD_DStreamInSize())
    private var inputCount = 0
    private var inputPlace = 0
    private var output = [UInt8](repeating: 0, count: ZSTD_DStreamOutSize())
    private var outputCount = 0
    private var outputPlace = 0
    private var frameHasEnded = false
    /// The offset in the file of the next byte to read from it.
    private var fileOffset = 0
    /// The offset in the tar of the next byte that `read` gives.
    private(set) var offset = 0

    /// Starts at the beginning of `file`; `digests` says whether `finish` shall tell the digest of the whole file.
    init(_ file: any ByteRanges, digests: Bool = false) throws(ShardError) {
        guard let context = ZSTD_createDCtx() else { throw ShardError(.compression, file.name, "no memory for zstd") }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
        self.file = file
        self.context = context
        digester = digests ? Digester() : nil
    }

    deinit { ZSTD_freeDCtx(context) }

    var path: String { file.name }

    /// Exactly `count` bytes; fewer only at the end of the tar.
    func read(_ count: Int) throws(ShardError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(count, 64 << 20))
        while bytes.count < count, try fill() {
            let part = min(count - bytes.count, outputCount - outputPlace)
            bytes.append(contentsOf: output[outputPlace..<(outputPlace + part)])
            advance(part)
        }
        return bytes
    }

    /// Passes over `count` bytes; gives how many there were.
    func skip(_ count: Int) throws(ShardError) -> Int {
        var left = count
        while left > 0, try fill() {
            let part = min(left, outputCount - outputPlace)
            advance(part)
            left -= part
        }
        return count - left
    }

    /// Checks that the tar ends here; zstd compares the frame's checksum on the way.
    func expectEnd() throws(ShardError) {
        guard try !fill() else { throw ShardError(.tar, path, "bytes after the end at \(offset)") }
    }

    /// Reads what is left of the file behind the frame: its length, and the file's digest where it was asked for.
    func finish() throws(ShardError) -> (trailingByteCount: Int, digest: ContentDigest?) {
        try expectEnd()
        var trailing = inputCount - inputPlace
        while try refill() { trailing += inputCount }
        return (trailing, digester?.finish())
    }

    private func advance(_ count: Int) {
        outputPlace += count
        offset += count
    }

    /// Whether there are decompressed bytes to give; decompresses more where there are none.
    private func fill() throws(ShardError) -> Bool {
        while outputPlace == outputCount {
            if frameHasEnded { return false }
            if inputPlace == inputCount, try !refill() {
                throw ShardError(.compression, path, "cut off: the file ends inside the frame")
            }
            try decompress()
        }
        return true
    }

    private func decompress() throws(ShardError) {
        (outputPlace, outputCount) = (0, 0)
        let hint = input.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { target in
                var from = ZSTD_inBuffer(src: source.baseAddress, size: inputCount, pos: inputPlace)
                var to = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                let hint = ZSTD_decompressStream(context, &to, &from)
                (inputPlace, outputCount) = (from.pos, to.pos)
                return hint
            }
        }
        guard ZSTD_isError(hint) == 0 else {
            let reason = String(cString: ZSTD_getErrorName(hint))
            throw ShardError(.compression, path, "near byte \(fileOffset - inputCount + inputPlace): \(reason)")
        }
        frameHasEnded = hint == 0
    }

    private func refill() throws(ShardError) -> Bool {
        do { inputCount = try file.read(at: fileOffset, into: &input) } catch { throw ShardError(error) }
        inputPlace = 0
        fileOffset += inputCount
        if let digester {
            input.withUnsafeBytes { digester.update(UnsafeRawBufferPointer(rebasing: $0[..<inputCount])) }
        }
        return inputCount > 0
    }
}
