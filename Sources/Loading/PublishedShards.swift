import Samples
import Storage

/// A shard to train on: where it is, and what `dataset.json` says of it.
struct PublishedShard: Sendable {
    let dataset: Dataset
    let name: String
    /// How many samples it holds, at least 1.
    let samples: Int
    let sha256: String

    /// What errors call it.
    var place: String { dataset.place(of: DatasetLayout.shard(name)) }

    /// Opens it for reading.
    func open() throws(LoadingError) -> any ByteRanges {
        do {
            return try dataset.openShard(name)
        } catch {
            throw LoadingError(.missing, error.path, error.reason)
        }
    }
}

/// The shards with samples of `datasets`, in their order; every one is there in its full length.
func publishedShards(in datasets: [Dataset]) throws(LoadingError) -> [PublishedShard] {
    var shards: [PublishedShard] = []
    for dataset in datasets {
        let description: DatasetDescription
        do {
            description = try dataset.readDescription()
        } catch {
            throw LoadingError(.dataset, error.path, error.reason)
        }
        for shard in description.shards where shard.samples > 0 {
            let published = PublishedShard(
                dataset: dataset, name: shard.name, samples: shard.samples, sha256: shard.sha256)
            try check(published, byteCount: shard.bytes)
            shards.append(published)
        }
    }
    return shards
}

private func check(_ shard: PublishedShard, byteCount: Int) throws(LoadingError) {
    let found: ObjectStat?
    do {
        found = try shard.dataset.store.stat(DatasetLayout.shard(shard.name))
    } catch {
        throw LoadingError(.missing, error.path, error.reason)
    }
    guard let found else {
        throw LoadingError(.missing, shard.place, "dataset.json lists it, but there is no such file")
    }
    guard found.byteCount == byteCount else {
        throw LoadingError(.damaged, shard.place, "\(found.byteCount) bytes, not the \(byteCount) of dataset.json")
    }
}
