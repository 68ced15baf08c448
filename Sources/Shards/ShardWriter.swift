import CZstd
import Digests
import Glibc
public import Samples

/// What a finished shard is.
public struct ShardSummary: Sendable, Equatable, Codable {
    /// How many samples it holds.
    public let samples: Int
    /// The length of the file.
    public let byteCount: Int
    /// The digest of the file.
    public let sha256: ContentDigest
}

/// Writes one shard: samples in the order they are given, one zstd frame, then the index.
///
/// Memory is constant apart from the index. The file is whole once `finish` has returned; write it under another name
/// than its final one, and rename it then.
public final class ShardWriter {
    private let path: String
    private let descriptor: Int32
    private let context: OpaquePointer
    private let digester = Digester()
    private var index = ShardIndex()
    private var tarByteCount = 0
    private var byteCount = 0
    private var output: [UInt8]

    /// Creates the file `path`, or empties it.
    ///
    /// - Parameter level: zstd's level, 1 to 19.
    public init(path: String, level: Int) throws(ShardError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw systemError(path, "create") }
        guard let context = ZSTD_createCCtx() else {
            close(descriptor)
            throw ShardError(.compression, path, "no memory for zstd")
        }
        self.path = path
        self.descriptor = descriptor
        self.context = context
        output = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit {
        ZSTD_freeCCtx(context)
        close(descriptor)
    }

    /// Adds `sample`.
    ///
    /// - Throws: `key` where the key is empty, holds a dot or a slash, or is too long; `sample` where there is no
    ///   caption; `system` where the file cannot be written.
    public func append(_ sample: ShardSample) throws(ShardError) {
        try check(sample)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sample.image.count + 8192)
        let best = Array((sample.metadata.captions.first?.text ?? "").utf8)
        for (suffix, content) in [
            (sample.imageExtension, sample.image), ("txt", best),
            ("json", JSONText.captions(sample.metadata.captions)), ("meta.json", JSONText.metadata(sample.metadata)),
        ] {
            bytes.append(contentsOf: TarHeader(name: "\(sample.key).\(suffix)", byteCount: content.count).block())
            bytes.append(contentsOf: content)
            bytes.append(contentsOf: repeatElement(0, count: TarHeader.padded(content.count) - content.count))
        }
        index.add(.init(key: sample.key, offset: tarByteCount, length: bytes.count))
        try compress(bytes, ZSTD_e_continue)
    }

    /// Ends the shard and waits until the file is on the disk; call it once, last.
    public func finish() throws(ShardError) -> ShardSummary {
        try compress([UInt8](repeating: 0, count: 2 * TarHeader.blockLength), ZSTD_e_end)
        index.finish(tarByteCount: tarByteCount)
        let frame = index.frame()
        try write(frame, count: frame.count)
        guard fsync(descriptor) == 0 else { throw systemError(path, "sync") }
        return ShardSummary(samples: index.places.count, byteCount: byteCount, sha256: digester.finish())
    }

    private func check(_ sample: ShardSample) throws(ShardError) {
        let key = sample.key
        guard !key.isEmpty, !key.hasPrefix("__"),
            key.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "/") })
        else { throw ShardError(.key, path, "\(key.debugDescription): want printable ASCII without dot and slash") }
        guard key.utf8.count + ".meta.json".utf8.count <= 100 else {
            throw ShardError(.key, path, "\(key): too long for a tar header")
        }
        guard imageExtensions.contains(sample.imageExtension) else {
            throw ShardError(.sample, path, "\(key): an image is \(imageExtensions), not \(sample.imageExtension)")
        }
        guard sample.metadata.captions.first?.text.isEmpty == false else {
            throw ShardError(.sample, path, "\(key): no caption")
        }
    }

    private func compress(_ bytes: [UInt8], _ directive: ZSTD_EndDirective) throws(ShardError) {
        tarByteCount += bytes.count
        var position = 0
        while true {
            var written = 0
            let left = bytes.withUnsafeBytes { source in
                output.withUnsafeMutableBytes { target in
                    var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
                    var room = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    let left = ZSTD_compressStream2(context, &room, &input, directive)
                    (position, written) = (input.pos, room.pos)
                    return left
                }
            }
            guard ZSTD_isError(left) == 0 else {
                throw ShardError(.compression, path, String(cString: ZSTD_getErrorName(left)))
            }
            try write(output, count: written)
            if directive == ZSTD_e_end ? left == 0 : position == bytes.count { return }
        }
    }

    private func write(_ bytes: [UInt8], count: Int) throws(ShardError) {
        bytes.withUnsafeBytes { digester.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        byteCount += count
        var done = 0
        while done < count {
            let wrote = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, count - done) }
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else { throw systemError(path, "write") }
            done += wrote
        }
    }
}

/// The kinds of image that a shard holds.
let imageExtensions = ["jpg", "webp", "png"]
