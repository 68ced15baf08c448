import Digests
import Glibc
public import Samples

/// Where each sample of a shard is in its tar; read from the file's end, without decompressing anything.
public struct ShardIndex: Sendable, Equatable {
    /// One sample's place.
    public struct Place: Sendable, Equatable {
        /// The sample's key.
        public let key: String
        /// The offset in the tar of the sample's first header.
        public let offset: Int
        /// Bytes in the tar, headers and padding included.
        public let length: Int
    }

    /// The samples, in the shard's order.
    public private(set) var places: [Place] = []
    /// The length of the tar, its end blocks included.
    public private(set) var tarByteCount = 0
    /// The length of the frame that the index was read from; 0 while it is being made.
    private(set) var frameLength = 0

    init() {}

    mutating func add(_ place: Place) { places.append(place) }
    mutating func finish(tarByteCount: Int) { self.tarByteCount = tarByteCount }
}

// The layout of the skippable frame, all numbers little-endian; see docs/FORMAT.md.
private let skippableMagic: UInt32 = 0x184D_2A5B
private let magic = Array("B2SHARD1".utf8)
private let trailerLength = 32 + 4 + 8
/// The largest index that is read: room for millions of samples.
private let byteLimit = 256 << 20

extension ShardIndex {
    /// The skippable frame that stands behind the compressed tar.
    func frame() -> [UInt8] {
        var body: [UInt8] = magic
        append(UInt64(tarByteCount), to: &body)
        append(UInt32(places.count), to: &body)
        for place in places {
            append(UInt64(place.offset), to: &body)
            append(UInt64(place.length), to: &body)
            append(UInt16(place.key.utf8.count), to: &body)
            body.append(contentsOf: place.key.utf8)
        }
        body.append(contentsOf: rawDigest(body))
        append(UInt32(8 + body.count + 4 + magic.count), to: &body)
        body.append(contentsOf: magic)
        var frame: [UInt8] = []
        append(skippableMagic, to: &frame)
        append(UInt32(body.count), to: &frame)
        return frame + body
    }

    /// Reads the index of the shard at `path`.
    ///
    /// - Throws: `system` where the file cannot be read, `index` where it ends in no index of this format.
    public init(path: String) throws(ShardError) { try self.init(opened(path)) }

    /// Reads the index of the shard `file`, wherever it is; three small ranges from its end.
    ///
    /// - Throws: `system` where it cannot be read, `index` where it ends in no index of this format.
    public init(_ file: any ByteRanges) throws(ShardError) {
        func fault(_ detail: String) -> ShardError { ShardError(.index, file.name, detail) }
        guard file.byteCount >= trailerLength else { throw fault("the file is too short to hold an index") }
        let trailer = try file.shardBytes(at: file.byteCount - 12, count: 12)
        guard Array(trailer[4...]) == magic else { throw fault("the file does not end in an index") }
        let length = Int(integer(trailer[..<4]) as UInt32)
        guard length >= 8 + 20 + trailerLength, length <= min(file.byteCount, byteLimit) else {
            throw fault("impossible length")
        }
        let frame = try file.shardBytes(at: file.byteCount - length, count: length)
        guard integer(frame[..<4]) == skippableMagic, Int(integer(frame[4..<8]) as UInt32) == length - 8 else {
            throw fault("no skippable frame")
        }
        let body = frame[8..<(length - trailerLength)]
        guard body.starts(with: magic), rawDigest(Array(body)) == Array(frame[body.endIndex..<(body.endIndex + 32)])
        else { throw fault("damaged") }
        try self.init(body: Array(body.dropFirst(magic.count)), fault)
        frameLength = length
    }

    private init(body: [UInt8], _ fault: (String) -> ShardError) throws(ShardError) {
        tarByteCount = Int(clamping: integer(body[..<8]) as UInt64)
        let count = Int(integer(body[8..<12]) as UInt32)
        var place = 12
        for _ in 0..<count {
            guard place + 18 <= body.count else { throw fault("cut off") }
            let offset = Int(clamping: integer(body[place..<(place + 8)]) as UInt64)
            let length = Int(clamping: integer(body[(place + 8)..<(place + 16)]) as UInt64)
            let keyLength = Int(integer(body[(place + 16)..<(place + 18)]) as UInt16)
            place += 18
            guard place + keyLength <= body.count else { throw fault("cut off") }
            let key = String(decoding: body[place..<(place + keyLength)], as: UTF8.self)
            places.append(Place(key: key, offset: offset, length: length))
            place += keyLength
        }
        guard place == body.count else { throw fault("more bytes than samples") }
    }
}

private func rawDigest(_ bytes: [UInt8]) -> [UInt8] {
    let hex = Array(digest(of: bytes).hex.utf8)
    return stride(from: 0, to: hex.count, by: 2).map { index in
        UInt8(String(decoding: hex[index...(index + 1)], as: UTF8.self), radix: 16) ?? 0
    }
}

private func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
}

private func integer<Value: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>) -> Value {
    bytes.reversed().reduce(0) { $0 << 8 | Value($1) }
}
