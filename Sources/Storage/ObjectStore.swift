package import Samples

/// Where a data set's bytes are: objects by name, each of them whole or not there.
///
/// What is written is durable when the call returns. An object is never changed, only replaced, and a reader sees the old
/// one or the new one. There is no rename, because not every store has one: what waits to be published is copied, and then
/// deleted. Calls block while a disk or a server is waited for: call them outside the shared pool.
///
/// A conformance suite says what every store has to do.
package protocol ObjectStore: Sendable {
    /// What a person calls the place of `key`, such as `/data/out/dataset.json`.
    func place(of key: ObjectKey) -> String

    /// What is known of an object without reading it; nil where there is none.
    func stat(_ key: ObjectKey) throws(StorageError) -> ObjectStat?

    /// Opens an object for reading in ranges.
    ///
    /// - Throws: `missing` where there is none.
    func open(_ key: ObjectKey) throws(StorageError) -> any ByteRanges

    /// Makes `bytes` the object `key`.
    func put(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError)

    /// Makes what the file `path` holds the object `key`, in constant memory; the file is the store's then, and gone.
    func put(takingFile path: String, to key: ObjectKey) throws(StorageError)

    /// Makes `bytes` the object `key` where there is none; of several that try at once, one succeeds. Answers whether it did.
    func putIfAbsent(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError) -> Bool

    /// Makes `target` the same bytes as `source`, which stays; the bytes do not pass through this process where the store
    /// can do without.
    ///
    /// - Throws: `missing` where `source` is not there; `target` is then as it was.
    func copy(_ source: ObjectKey, to target: ObjectKey) throws(StorageError)

    /// Makes copies as `copy(_:to:)` does, in order; all are durable when this returns.
    ///
    /// Where it throws, those before the one that failed may have been made, and need not be durable.
    func copyAll(_ copies: [ObjectCopy]) throws(StorageError)

    /// Removes an object; none of that name is no fault.
    func delete(_ key: ObjectKey) throws(StorageError)

    /// The objects whose names begin with `prefix` and come after `after`, by name, at most `limit`.
    func list(_ prefix: String, after: ObjectKey?, limit: Int) throws(StorageError) -> ObjectPage
}

/// That `target` is to be the same bytes as `source`.
package struct ObjectCopy: Hashable, Sendable {
    package let source: ObjectKey
    package let target: ObjectKey

    package init(_ source: ObjectKey, to target: ObjectKey) { (self.source, self.target) = (source, target) }
}

/// What is known of an object without reading it.
package struct ObjectStat: Hashable, Sendable {
    package let byteCount: Int

    package init(byteCount: Int) { self.byteCount = byteCount }
}

/// Some of the objects of a store, by name.
package struct ObjectPage: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let key: ObjectKey
        package let byteCount: Int

        package init(key: ObjectKey, byteCount: Int) { (self.key, self.byteCount) = (key, byteCount) }
    }

    package let entries: [Entry]
    /// After which name the next page begins; nil where this is the last.
    package let next: ObjectKey?

    package init(entries: [Entry], next: ObjectKey?) { (self.entries, self.next) = (entries, next) }
}

extension ObjectStore {
    package func copyAll(_ copies: [ObjectCopy]) throws(StorageError) {
        for copy in copies { try self.copy(copy.source, to: copy.target) }
    }

    /// The most objects of a page that S3 gives.
    private var pageLimit: Int { 1000 }

    /// Gives the objects whose names begin with `prefix` to `visit`, by name, page by page.
    package func forEach(_ prefix: String, _ visit: (ObjectPage.Entry) throws -> Void) throws {
        var after: ObjectKey?
        repeat {
            let page = try list(prefix, after: after, limit: pageLimit)
            for entry in page.entries { try visit(entry) }
            after = page.next
        } while after != nil
    }

    /// All bytes of an object, which is small.
    ///
    /// - Throws: `missing` where there is none, `read` also where it has over `byteLimit` bytes.
    package func read(_ key: ObjectKey, byteLimit: Int) throws(StorageError) -> [UInt8] {
        let object = try open(key)
        guard object.byteCount <= byteLimit else {
            throw StorageError(.read, object.name, "\(object.byteCount) bytes, over \(byteLimit)")
        }
        do {
            return try object.bytes(at: 0, count: object.byteCount)
        } catch {
            throw StorageError(error)
        }
    }
}
