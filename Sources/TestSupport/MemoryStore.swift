import Files
import Foundation
package import Locks
package import Samples
package import Storage

/// A store in memory that can do no more than S3 can: nothing in it has a path, and a page has few objects.
package final class MemoryStore: ObjectStore {
    /// How often each kind of call was made, by its name.
    package let calls = Locked<[String: Int]>([:])
    private let objects = Locked<[ObjectKey: [UInt8]]>([:])
    private let pageLimit: Int

    /// An empty store that gives at most `pageLimit` objects a page.
    package init(pageLimit: Int = 3) { self.pageLimit = pageLimit }

    /// Takes the objects of another store.
    package func copy(_ store: any ObjectStore) throws {
        try store.forEach("") { entry in
            try put(store.read(entry.key, byteLimit: entry.byteCount), to: entry.key)
        }
    }

    package func place(of key: ObjectKey) -> String { "memory://store/" + key.text }

    package func stat(_ key: ObjectKey) throws(StorageError) -> ObjectStat? {
        note("stat")
        return objects.withLock { $0[key] }.map { ObjectStat(byteCount: $0.count) }
    }

    package func open(_ key: ObjectKey) throws(StorageError) -> any ByteRanges {
        note("open")
        return MemoryBytes(try bytes(of: key), name: place(of: key))
    }

    package func put(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError) {
        note("put")
        objects.withLock { $0[key] = bytes }
    }

    package func put(takingFile path: String, to key: ObjectKey) throws(StorageError) {
        note("put")
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StorageError(.missing, path, "no such file")
        }
        objects.withLock { $0[key] = [UInt8](data) }
        unlink(path)
    }

    package func putIfAbsent(_ bytes: [UInt8], to key: ObjectKey) throws(StorageError) -> Bool {
        note("putIfAbsent")
        return objects.withLock { objects in
            guard objects[key] == nil else { return false }
            objects[key] = bytes
            return true
        }
    }

    package func copy(_ source: ObjectKey, to target: ObjectKey) throws(StorageError) {
        note("copy")
        let bytes = try bytes(of: source)
        objects.withLock { $0[target] = bytes }
    }

    package func delete(_ key: ObjectKey) throws(StorageError) {
        note("delete")
        objects.withLock { $0[key] = nil }
    }

    package func list(_ prefix: String, after: ObjectKey?, limit: Int) throws(StorageError) -> ObjectPage {
        note("list")
        let found = objects.withLock { objects in
            objects.filter { key, _ in
                key.text.utf8.starts(with: prefix.utf8) && after.map { $0 < key } ?? true
            }.map { ObjectPage.Entry(key: $0.key, byteCount: $0.value.count) }.sorted { $0.key < $1.key }
        }
        let page = Array(found.prefix(min(limit, pageLimit)))
        return ObjectPage(entries: page, next: page.count < found.count ? page.last?.key : nil)
    }

    private func bytes(of key: ObjectKey) throws(StorageError) -> [UInt8] {
        guard let bytes = objects.withLock({ $0[key] }) else {
            throw StorageError(.missing, place(of: key), "no such object")
        }
        return bytes
    }

    private func note(_ call: String) { calls.withLock { $0[call, default: 0] += 1 } }
}
