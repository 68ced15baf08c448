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
/// Memory is constant apart from the index. The file is whole once `finish` has returned: write it under another name
/// than its final one, and `publish` it then. Equal samples give equal bytes, by the same version of zstd.
public final class ShardWriter {
    private let path: String
    private let descriptor: Int32
    /// Nil while a plain tar is written.
    private let compressor: OpaquePointer?
    private let digester = Digester()
    private var index = ShardIndex()
    private var keys: Set<String> = []
    private var isBroken = false
    private var tarByteCount = 0
    private var byteCount = 0
    private var output: [UInt8]

    /// Creates the shard `path`, or empties the file; `level` is zstd's, 1 to 22: more is slower and smaller.
    public convenience init(path: String, level: Int) throws(ShardError) {
        precondition((1...22).contains(level), "zstd has the levels 1 to 22, not \(level)")
        guard let compressor = ZSTD_createCCtx() else {
            throw ShardError(.compression, path, "no memory for zstd")
        }
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, Int32(level))
        ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, 1)
        try self.init(path, compressor)
    }

    /// Creates a plain tar of the same members at `path`, without an index, for loaders that know no zstd.
    public convenience init(plainTar path: String) throws(ShardError) { try self.init(path, nil) }

    private init(_ path: String, _ compressor: OpaquePointer?) throws(ShardError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            ZSTD_freeCCtx(compressor)
            throw systemError(path, "create")
        }
        self.path = path
        self.descriptor = descriptor
        self.compressor = compressor
        output = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
    }

    deinit {
        ZSTD_freeCCtx(compressor)
        close(descriptor)
    }

    /// Adds `sample`.
    ///
    /// - Throws: `key` where the key is empty, holds a dot or a slash, is too long or was added before; `sample` where
    ///   there is no caption, a score that is no number, or too many bytes; `system` where the file cannot be
    ///   written. After `key` and `sample` the shard is as it was; after another error it cannot be finished.
    public func append(_ sample: ShardSample) throws(ShardError) {
        try check(sample)
        let members = [
            (sample.imageExtension, sample.image), ("txt", Array((sample.metadata.captions.first?.text ?? "").utf8)),
            ("json", JSONText.captions(sample.metadata.captions)), ("meta.json", JSONText.metadata(sample.metadata)),
        ]
        guard members[1...].allSatisfy({ $0.1.count <= ShardReader.textByteLimit }) else {
            throw ShardError(.sample, path, "\(sample.key): its text exceeds 16 MiB")
        }
        keys.insert(sample.key)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(sample.image.count + 8192)
        for (suffix, content) in members {
            bytes.append(contentsOf: TarHeader(name: "\(sample.key).\(suffix)", byteCount: content.count).block())
            bytes.append(contentsOf: content)
            bytes.append(contentsOf: repeatElement(0, count: TarHeader.padded(content.count) - content.count))
        }
        index.add(.init(key: sample.key, offset: tarByteCount, length: bytes.count))
        try add(bytes, ZSTD_e_continue)
    }

    /// Ends the shard and waits until the file is on the disk; call it once, last.
    public func finish() throws(ShardError) -> ShardSummary {
        try add([UInt8](repeating: 0, count: 2 * TarHeader.blockLength), ZSTD_e_end)
        if compressor != nil {
            index.finish(tarByteCount: tarByteCount)
            let frame = index.frame()
            try write(frame, count: frame.count)
        }
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
        guard !keys.contains(key) else { throw ShardError(.key, path, "\(key): is in the shard already") }
        func fault(_ detail: String) -> ShardError { ShardError(.sample, path, "\(key): \(detail)") }
        guard imageExtensions.contains(sample.imageExtension) else {
            throw fault("an image is \(imageExtensions), not \(sample.imageExtension)")
        }
        guard sample.image.count <= ShardReader.imageByteLimit else { throw fault("the image is over 256 MiB") }
        let metadata = sample.metadata
        guard metadata.captions.first?.text.isEmpty == false, !metadata.candidates.isEmpty else {
            throw fault("no caption")
        }
        guard (metadata.captions + metadata.candidates).allSatisfy({ $0.score.isFinite }) else {
            throw fault("a score is not a number")
        }
    }

    /// Adds bytes to the tar.
    ///
    /// What was written in part cannot be taken back: after an error nothing more is taken.
    private func add(_ bytes: [UInt8], _ directive: ZSTD_EndDirective) throws(ShardError) {
        guard !isBroken else { throw ShardError(.system, path, "an earlier write failed") }
        isBroken = true
        if let compressor {
            try compress(bytes, directive, compressor)
        } else {
            try write(bytes, count: bytes.count)
        }
        tarByteCount += bytes.count
        isBroken = false
    }

    private func compress(
        _ bytes: [UInt8], _ directive: ZSTD_EndDirective, _ compressor: OpaquePointer
    ) throws(ShardError) {
        var position = 0
        while true {
            var written = 0
            let left = bytes.withUnsafeBytes { source in
                output.withUnsafeMutableBytes { target in
                    var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
                    var room = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    let left = ZSTD_compressStream2(compressor, &room, &input, directive)
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
            let wrote = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, count - done)
            }
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else { throw systemError(path, "write") }
            done += wrote
        }
    }
}

/// The kinds of image that a shard holds.
let imageExtensions = ["jpg", "webp", "png"]
