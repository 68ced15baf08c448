import Foundation
package import Samples

/// A data set as readers find it: by its names, in whichever store it is.
package struct Dataset: Sendable {
    /// The largest description that is read, in bytes: that of a million shards has 200 MB.
    private static let descriptionByteLimit = 1 << 30

    package let store: any ObjectStore

    /// The data set in `store`.
    package init(_ store: any ObjectStore) { self.store = store }

    /// The data set at `place`, as a person writes it: a directory.
    package init(at place: String) { self.init(DirectoryStore(place)) }

    /// What a person calls the place of an object.
    package func place(of key: ObjectKey) -> String { store.place(of: key) }

    /// Opens the published shard `name`.
    ///
    /// - Throws: `missing` where it is not there.
    package func openShard(_ name: String) throws(StorageError) -> any ByteRanges {
        try store.open(DatasetLayout.shard(name))
    }

    /// Opens the table beside the published shard `name`.
    ///
    /// - Throws: `missing` where it is not there.
    package func openTable(_ name: String) throws(StorageError) -> any ByteRanges {
        try store.open(DatasetLayout.table(name))
    }

    /// Reads `dataset.json`.
    package func readDescription() throws(StorageError) -> DatasetDescription {
        let (key, place) = (DatasetLayout.description, place(of: DatasetLayout.description))
        let bytes: [UInt8]
        do {
            bytes = try store.read(key, byteLimit: Self.descriptionByteLimit)
        } catch  where error.code == .missing {
            throw StorageError(.read, place, "no such file: not an output, or nothing is published yet")
        }
        let description: DatasetDescription
        do {
            description = try JSONDecoder().decode(DatasetDescription.self, from: Data(bytes))
        } catch {
            throw StorageError(.read, place, "\(error)")
        }
        // It may be anybody's: no name in it leads elsewhere.
        if let shard = description.shards.first(where: { !DatasetLayout.isShardName($0.name) }) {
            throw StorageError(.read, place, "\(shard.name.debugDescription) is no name of a shard")
        }
        return description
    }

    /// The names of the shards that are there, sorted.
    package func shardNames() throws -> [String] {
        var names: [String] = []
        try store.forEach(DatasetLayout.shardFolder + "/") { entry in
            if let name = DatasetLayout.shardName(of: entry.key) { names.append(name) }
        }
        return names
    }
}

/// Opens the object at `place`, as a person writes it: a file.
///
/// - Throws: `missing` where it is not there.
package func openObject(at place: String) throws(StorageError) -> any ByteRanges {
    let parts = place.split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.last, let key = ObjectKey(String(name)) else {
        throw StorageError(.open, place, "not a plain file")
    }
    let folder = parts.count == 1 ? "." : parts.dropLast().joined(separator: "/")
    return try DirectoryStore(folder).open(key)
}
