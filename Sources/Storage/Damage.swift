import Files
import Samples

// What shows of a published shard without reading it.
extension OutputDirectory {
    /// What is wrong with the files of a shard, as far as their sizes and first bytes tell; nil where nothing is.
    ///
    /// `isDraft` says which of the two places they are in.
    package func damage(of name: String, isDraft: Bool, byteCount: Int, tableByteCount: Int) -> String? {
        let (shard, table) = (
            DatasetLayout.shard(name, isDraft: isDraft), DatasetLayout.table(name, isDraft: isDraft)
        )
        return store.damage(of: shard, byteCount, beginsWith: Compression.zstd.signature)
            ?? store.damage(of: table, tableByteCount, beginsWith: Array("PAR1".utf8))
    }
}

extension ObjectStore {
    /// What is wrong with an object of which this is known; nil where nothing is.
    fileprivate func damage(of key: ObjectKey, _ byteCount: Int, beginsWith magic: [UInt8]) -> String? {
        let place = place(of: key)
        do {
            guard let found = try stat(key) else { return "\(place) is missing" }
            guard found.byteCount == byteCount else { return "\(place) has \(found.byteCount) bytes, not \(byteCount)" }
            let head = try open(key).bytes(at: 0, count: magic.count)
            return head == magic ? nil : "\(place) does not begin as it was written"
        } catch let error as StorageError {
            return "\(error.path): \(error.reason)"
        } catch {
            return "\(error)"
        }
    }
}
