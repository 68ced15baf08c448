import Foundation
import Storage

/// A shard to train on: its file, and what `dataset.json` says of it.
struct PublishedShard: Sendable, Equatable {
    let path: String
    let name: String
    /// How many samples it holds, at least 1.
    let samples: Int
    let sha256: String
}

/// The shards with samples of the data sets in `directories`, in their order; every file is there in its full length.
func publishedShards(in directories: [String]) throws(LoadingError) -> [PublishedShard] {
    var shards: [PublishedShard] = []
    for directory in directories {
        let output = OutputDirectory(directory)
        let description: DatasetDescription
        do {
            description = try output.readDescription()
        } catch {
            throw LoadingError(.dataset, error.path, error.reason)
        }
        for shard in description.shards where shard.samples > 0 {
            let path = output.shardPath(shard.name)
            try check(path, byteCount: shard.bytes)
            shards.append(PublishedShard(path: path, name: shard.name, samples: shard.samples, sha256: shard.sha256))
        }
    }
    return shards
}

private func check(_ path: String, byteCount: Int) throws(LoadingError) {
    let attributes: [FileAttributeKey: Any]
    do {
        attributes = try FileManager.default.attributesOfItem(atPath: path)
    } catch {
        throw LoadingError(.missing, path, "dataset.json lists it, but there is no such file")
    }
    let found = (attributes[.size] as? NSNumber)?.intValue
    guard found == byteCount else {
        throw LoadingError(.damaged, path, "\(found ?? 0) bytes, not the \(byteCount) of dataset.json")
    }
}
