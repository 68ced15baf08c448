import Foundation
public import Samples

/// Reads the samples of a shard one after the other, in constant memory.
public final class ShardReader {
    /// The largest image of a shard, in bytes: a file cannot make its reader take more memory.
    public static let imageByteLimit = 256 << 20
    /// The largest of the members beside the image, in bytes.
    public static let textByteLimit = 16 << 20

    let stream: TarStream
    private var hasEnded = false

    /// Opens the shard at `path`.
    public convenience init(path: String) throws(ShardError) { try self.init(opened(path)) }

    /// Reads the shard `file`, wherever it is, from its beginning.
    public init(_ file: any ByteRanges) throws(ShardError) { stream = try TarStream(file) }

    init(_ stream: TarStream) { self.stream = stream }

    /// The next sample; nil behind the last, once the checksum of all that was read is found right.
    ///
    /// - Throws: A `ShardError` that says where the shard is damaged. Reading cannot go on behind it.
    public func next() throws(ShardError) -> ShardSample? {
        guard !hasEnded else { return nil }
        guard let image = try member(limit: Self.imageByteLimit) else {
            try stream.expectEnd()
            hasEnded = true
            return nil
        }
        let (key, suffix) = split(image.name)
        func fault(_ detail: String) -> ShardError { ShardError(.sample, stream.path, "\(key): \(detail)") }
        guard imageExtensions.contains(suffix) else { throw fault("starts with \(image.name), not with an image") }
        var rest: [[UInt8]] = []
        for name in ["\(key).txt", "\(key).json", "\(key).meta.json"] {
            guard let member = try member(limit: Self.textByteLimit) else { throw fault("cut off before \(name)") }
            guard member.name == name else { throw fault("want \(name), not \(member.name)") }
            rest.append(member.bytes)
        }
        let metadata: SampleMetadata
        do {
            metadata = try JSONDecoder().decode(SampleMetadata.self, from: Data(rest[2]))
        } catch {
            throw fault("\(key).meta.json: \(error)")
        }
        guard metadata.key == key, !metadata.captions.isEmpty else { throw fault("its metadata are of another sample") }
        guard rest[0] == Array(metadata.captions[0].text.utf8), rest[1] == JSONText.captions(metadata.captions) else {
            throw fault("its captions differ between members")
        }
        return ShardSample(image: image.bytes, imageExtension: suffix, metadata: metadata)
    }

    /// The sample `key` of the shard at `path`; nil where it holds none of that name.
    ///
    /// Decompresses up to the sample and stops.
    public static func sample(_ key: String, in path: String) throws(ShardError) -> ShardSample? {
        try sample(key, in: opened(path))
    }

    /// The sample `key` of the shard `file`, wherever it is; nil where it holds none of that name.
    public static func sample(_ key: String, in file: any ByteRanges) throws(ShardError) -> ShardSample? {
        guard let place = try ShardIndex(file).places.first(where: { $0.key == key }) else { return nil }
        let stream = try TarStream(file)
        guard try stream.skip(place.offset) == place.offset else {
            throw ShardError(.index, file.name, "\(key): is beyond the end of the tar")
        }
        guard let sample = try ShardReader(stream).next(), sample.key == key else {
            throw ShardError(.index, file.name, "\(key): another sample is in its place")
        }
        return sample
    }

    /// The next member of the tar; nil at its end, whose two blocks are read too.
    private func member(limit: Int) throws(ShardError) -> (name: String, bytes: [UInt8])? {
        let start = stream.offset
        func fault(_ detail: String) -> ShardError { ShardError(.tar, stream.path, "at \(start): \(detail)") }
        let block = try stream.read(TarHeader.blockLength)
        guard block.count == TarHeader.blockLength else { throw fault("cut off") }
        if block.allSatisfy({ $0 == 0 }) {
            let second = try stream.read(TarHeader.blockLength)
            guard second.count == TarHeader.blockLength, second.allSatisfy({ $0 == 0 }) else {
                throw fault("one end block, not two")
            }
            return nil
        }
        guard let header = TarHeader(block: block[...]) else { throw fault("no header of a plain file") }
        guard header.byteCount <= limit else { throw fault("\(header.name): larger than \(limit) bytes") }
        let bytes = try stream.read(header.byteCount)
        let padding = TarHeader.padded(header.byteCount) - header.byteCount
        guard bytes.count == header.byteCount, try stream.skip(padding) == padding else {
            throw fault("\(header.name): cut off")
        }
        return (header.name, bytes)
    }
}

/// A member's key and what follows its first dot.
private func split(_ name: String) -> (key: String, suffix: String) {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
}
