import Manifests
import Samples
import Shards
import Storage

/// The samples of a data set that the pipeline built, to be captioned anew: nothing is fetched.
///
/// Kept are URL, source id, digest and size of the image as it was fetched, and the captions that came with it; those that a
/// model wrote are not. Rows that were left out have no sample, and so no row here.
package struct ShardsSource: ListSource {
    package let name: String
    let imageRoots: [String] = []
    private let paths: [String]
    var fileCount: Int { paths.count }
    var headRows: Int { 20 }

    /// The samples of the shards `paths`, in that order.
    package init(name: String, paths: [String]) {
        (self.name, self.paths) = (name, paths)
    }

    /// Refuses a shard of a data set that is still being built, and one that its data set does not list.
    func examine(file: Int) throws(SourceError) -> HeadRows {
        let path = paths[file]
        guard let shard = PublishedShard(path), file == 0 || PublishedShard(paths[file - 1])?.folder != shard.folder,
            !Dataset(at: shard.folder).isMissing
        else { return HeadRows() }
        let description: DatasetDescription
        do throws(StorageError) {
            description = try Dataset(at: shard.folder).readDescription()
        } catch {
            throw SourceError(.malformed, path, "\(error)")
        }
        guard description.complete else {
            throw SourceError(
                .malformed, shard.folder,
                "this data set is not complete: finish its build, or copy the shards that are meant to another folder")
        }
        let listed = Set(description.shards.map(\.name))
        if let stranger = paths.lazy.compactMap(PublishedShard.init)
            .first(where: { $0.folder == shard.folder && !listed.contains($0.name) })
        {
            throw SourceError(
                .malformed, shard.folder, "shards/\(stranger.name).tar.zst is not in its dataset.json: remove it")
        }
        return HeadRows()
    }

    func cursor(file: Int, at position: InputPosition?) throws(SourceError) -> any ListCursor {
        try ShardCursor(file, paths[file], at: position?.offset ?? 0)
    }
}

/// A shard where a build publishes it.
private struct PublishedShard {
    /// The data set's.
    let folder: String
    let name: String

    init?(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 2, let key = ObjectKey(parts.suffix(2).joined(separator: "/")),
            let name = DatasetLayout.shardName(of: key)
        else { return nil }
        (folder, self.name) = (parts.dropLast(2).joined(separator: "/"), name)
    }
}

extension Dataset {
    /// Whether nothing describes the shards: they may have been copied without it.
    fileprivate var isMissing: Bool {
        do throws(StorageError) {
            _ = try store.open(DatasetLayout.description)
            return false
        } catch {
            return error.code == .missing
        }
    }
}

/// Goes over the samples of one shard; a position is the number of a sample.
private final class ShardCursor: ListCursor {
    let path: String
    private let file: Int
    private let index: ShardIndex
    private let samples: RawSamples
    private var number: Int

    init(_ file: Int, _ path: String, at number: Int) throws(SourceError) {
        (self.file, self.path, self.number) = (file, path, number)
        let bytes: any ByteRanges
        do throws(StorageError) {
            bytes = try openObject(at: path)
        } catch {
            throw SourceError(.unreadable, path, error.reason)
        }
        do throws(ShardError) {
            index = try ShardIndex(bytes)
            samples = try RawSamples(bytes, index)
        } catch {
            guard error.code != .system else { throw SourceError(.unreadable, path, error.detail) }
            throw SourceError(.malformed, path, "not a shard that the pipeline wrote: \(error.detail)")
        }
    }

    var position: InputPosition { InputPosition(file: file, offset: number) }
    var place: ListPlace { ListPlace(unit: "sample", number: number) }

    func skip(_ count: Int) throws(SourceError) -> Int {
        let found = max(0, min(count, index.places.count - number))
        number += found
        return found
    }

    func next() throws(SourceError) -> ListedFields? {
        guard number < index.places.count else { return nil }
        let key = index.places[number].key
        number += 1
        do throws(ShardError) {
            return ListedFields(try ShardSample(samples.bytes(of: number - 1), key: key, shard: path))
        } catch {
            if error.code == .system { throw SourceError(.unreadable, path, error.detail) }
            return ListedFields(fault: error.detail)
        }
    }
}

extension ListedFields {
    /// What an earlier build kept of a row.
    fileprivate init(_ sample: ShardSample) {
        self.init()
        let metadata = sample.metadata
        (url, sourceID) = (metadata.url, metadata.sourceID)
        image = .bytes(sample.image)
        signedCaptions = metadata.given
        (facts.width, facts.height) = (metadata.originalWidth, metadata.originalHeight)
        known = [.width, .height]
        guard let sha256 = ContentDigest(hex: metadata.sha256), metadata.originalWidth > 0, metadata.originalHeight > 0
        else {
            fault = "\(metadata.key).meta.json: no sha256 or no original size"
            return
        }
        earlier = EarlierFetch(sha256: sha256, width: metadata.originalWidth, height: metadata.originalHeight)
    }
}

extension SampleMetadata {
    /// The captions that came with the image, the first of them first.
    fileprivate var given: [Caption] {
        let written = candidates.filter { $0.origin != .blip }.map { Caption(text: $0.text, origin: $0.origin) }
        guard !webCaption.isEmpty else { return written }
        let first = written.first { $0.text == webCaption } ?? Caption(text: webCaption, origin: .web)
        return [first] + written.filter { $0 != first }
    }
}
