import Foundation
package import Samples

/// Reads the samples of a shard as bytes, in order, without looking into them.
///
/// It is for whoever must keep to an order although a sample is damaged: the shard's index says how many samples there are
/// and how long each is, so that what stands behind damage is found again where the stream still can be decompressed.
package final class RawSamples {
    /// The shard's file.
    package let name: String
    private let stream: TarStream
    private let index: ShardIndex
    private var fault: ShardError?

    /// Starts at the beginning of the shard `file`, whose index is `index`.
    package init(_ file: any ByteRanges, _ index: ShardIndex) throws(ShardError) {
        name = file.name
        stream = try TarStream(file)
        self.index = index
    }

    /// The bytes in the tar of sample `number`; they may be asked for in ascending order only.
    ///
    /// - Throws: `compression` or `system`, for this sample and for every one behind it.
    package func bytes(of number: Int) throws(ShardError) -> [UInt8] {
        if let fault { throw fault }
        let place = index.places[number]
        do throws(ShardError) {
            let skipped = place.offset - stream.offset
            guard skipped >= 0, try stream.skip(skipped) == skipped else {
                throw ShardError(.index, name, "\(place.key): is not where the index says")
            }
            let bytes = try stream.read(place.length)
            guard bytes.count == place.length else { throw ShardError(.tar, name, "\(place.key): cut off") }
            return bytes
        } catch {
            fault = error
            throw error
        }
    }
}

/// What training needs of a sample: less is decoded, and less is compared, than `ShardReader` does.
package struct SampleContent: Sendable {
    /// The encoded image.
    package let image: [UInt8]
    /// The kept captions, best first; at least one.
    package let captions: [String]
    /// The caption that came with the image; may be empty.
    package let webCaption: String
    /// SHA-256 of the image as it was fetched, as the shard says it; may be empty.
    package let sha256: String

    /// Takes apart `bytes`, which a tar holds for the sample `key`; `shard` is what errors call the file.
    ///
    /// - Throws: `sample` or `tar`, with what is wrong.
    package init(_ bytes: [UInt8], key: String, shard: String) throws(ShardError) {
        let parts = try SampleParts(bytes, key: key, shard: shard)
        let metadata = try parts.metadata(as: Metadata.self)
        guard metadata.key == key, !metadata.captions.isEmpty else {
            throw parts.fault("its metadata are of another sample")
        }
        image = Array(parts.image)
        captions = metadata.captions.map(\.text)
        webCaption = metadata.webCaption
        sha256 = metadata.sha256
    }

    /// The keys of `KEY.meta.json` that are looked at, by their names.
    private struct Metadata: Decodable {
        struct Caption: Decodable { let text: String }
        let key: String
        let captions: [Caption]
        let webCaption: String
        let sha256: String

        private enum CodingKeys: String, CodingKey {
            case key, captions, sha256
            case webCaption = "web_caption"
        }
    }
}

extension ShardSample {
    /// Takes apart `bytes`, which a tar holds for the sample `key`; `shard` is what errors call the file.
    ///
    /// - Throws: `sample` or `tar`, with what is wrong.
    package init(_ bytes: [UInt8], key: String, shard: String) throws(ShardError) {
        let parts = try SampleParts(bytes, key: key, shard: shard)
        let metadata = try parts.metadata(as: SampleMetadata.self)
        guard metadata.key == key, !metadata.captions.isEmpty else {
            throw parts.fault("its metadata are of another sample")
        }
        self.init(image: Array(parts.image), imageExtension: parts.imageExtension, metadata: metadata)
    }
}

/// The image of a sample in memory, and its metadata, which are not read yet.
private struct SampleParts {
    let image: ArraySlice<UInt8>
    let imageExtension: String
    private let text: ArraySlice<UInt8>
    private let key: String
    private let shard: String

    init(_ bytes: [UInt8], key: String, shard: String) throws(ShardError) {
        (self.key, self.shard) = (key, shard)
        func fault(_ detail: String) -> ShardError { ShardError(.sample, shard, "\(key): \(detail)") }
        var members = TarMembers(bytes, shard: shard)
        guard let first = try members.next(), let dot = first.name.lastIndex(of: "."), first.name[..<dot] == key,
            imageExtensions.contains(String(first.name[first.name.index(after: dot)...]))
        else { throw fault("does not start with its image") }
        var text: ArraySlice<UInt8>?
        while let member = try members.next() {
            guard member.name.hasPrefix(key + ".") else { throw fault("holds \(member.name)") }
            if member.name == key + ".meta.json" { text = member.bytes }
        }
        guard let text else { throw fault("has no \(key).meta.json") }
        (image, imageExtension, self.text) = (
            first.bytes, String(first.name[first.name.index(after: dot)...]), text
        )
    }

    func fault(_ detail: String) -> ShardError { ShardError(.sample, shard, "\(key): \(detail)") }

    func metadata<Metadata: Decodable>(as kind: Metadata.Type) throws(ShardError) -> Metadata {
        do {
            return try JSONDecoder().decode(kind, from: Data(text))
        } catch {
            throw fault("\(key).meta.json: \(error)")
        }
    }
}

/// The members of a piece of a tar in memory.
private struct TarMembers {
    private let bytes: [UInt8]
    private let shard: String
    private var place = 0

    init(_ bytes: [UInt8], shard: String) {
        self.bytes = bytes
        self.shard = shard
    }

    mutating func next() throws(ShardError) -> (name: String, bytes: ArraySlice<UInt8>)? {
        guard place < bytes.count else { return nil }
        guard place + TarHeader.blockLength <= bytes.count,
            let header = TarHeader(block: bytes[place..<place + TarHeader.blockLength]),
            header.byteCount <= bytes.count - place - TarHeader.blockLength
        else { throw ShardError(.tar, shard, "no header of a plain file \(place) bytes into a sample") }
        let start = place + TarHeader.blockLength
        place = start + TarHeader.padded(header.byteCount)
        return (header.name, bytes[start..<start + header.byteCount])
    }
}
