import Digests
package import Samples

/// Where the two objects are that a worker made of a unit, until they are published.
package struct MadeShard: Hashable, Sendable {
    /// The shard's name, such as `cc3m-000007`.
    package let name: String
    package let shard: ObjectKey
    package let table: ObjectKey

    /// The places of the shard `name` as it is made under a lease of that generation.
    package init(_ name: String, generation: Int) {
        self.name = name
        shard = DatasetLayout.scratchShard(name, generation: generation)
        table = DatasetLayout.scratchTable(name, generation: generation)
    }

    /// The places that a worker has named; nil where others belong to that shard and generation.
    package init?(_ name: String, generation: Int, shard: String, table: String) {
        self.init(name, generation: generation)
        guard self.shard.text == shard, self.table.text == table else { return nil }
    }
}

/// The size and the digest of an object, as its maker says.
package struct ObjectDigest: Hashable, Sendable {
    package let byteCount: Int
    package let digest: ContentDigest

    package init(byteCount: Int, digest: ContentDigest) { (self.byteCount, self.digest) = (byteCount, digest) }
}

extension ObjectStore {
    /// Reads an object again and says what is wrong with it; nil where it is what `expected` says.
    package func fault(of key: ObjectKey, _ expected: ObjectDigest) throws -> String? {
        let place = place(of: key)
        guard let found = try stat(key) else { return "\(place) is missing" }
        guard found.byteCount == expected.byteCount else {
            return "\(place) has \(found.byteCount) bytes, not \(expected.byteCount)"
        }
        let digest = try digest(of: open(key))
        return digest == expected.digest ? nil : "\(place) is not what was made: its digest is \(digest.hex)"
    }
}
