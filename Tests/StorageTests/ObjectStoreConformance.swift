import Foundation
import Locks
import RandomNumbers
import Samples
import Storage
import TestSupport
import Testing

/// What every object store promises, tried on each of them.
@Suite("An object store") struct ObjectStoreConformance {
    /// The stores there are.
    enum Kind: String, CaseIterable, Sendable { case directory, directoryWithoutLinks, memory }

    /// Calls `body` with an empty store and a folder for files that are put into it.
    private func withStore(_ kind: Kind, _ body: (any ObjectStore, _ folder: String) async throws -> Void) async throws
    {
        let folder = try Project.temporaryFolder("store")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        switch kind {
        case .directory: try await body(DirectoryStore(folder + "/store"), folder)
        case .directoryWithoutLinks: try await body(DirectoryStore(folder + "/store", usesLinks: false), folder)
        case .memory: try await body(MemoryStore(), folder)
        }
    }

    @Test("gives back what was put, whole or in ranges", arguments: Kind.allCases)
    func roundTrip(kind: Kind) async throws {
        try await withStore(kind) { store, _ in
            let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            for count in [0, 1, 1000] {
                try store.put(Array(bytes.prefix(count)), to: "a/b/c.bin")
                #expect(try store.stat("a/b/c.bin") == ObjectStat(byteCount: count))
                #expect(try store.read("a/b/c.bin", byteLimit: 1000) == Array(bytes.prefix(count)))
            }
            let object = try store.open("a/b/c.bin")
            #expect(object.byteCount == 1000 && object.name == store.place(of: "a/b/c.bin"))
            for (offset, count, found) in [
                (0, 1, 1), (999, 1, 1), (990, 20, 10), (1000, 5, 0), (3000, 5, 0), (17, 0, 0),
            ] {
                var buffer = [UInt8](repeating: 0, count: count)
                #expect(try object.read(at: offset, into: &buffer) == found)
                #expect(Array(buffer.prefix(found)) == Array(bytes.dropFirst(offset).prefix(found)))
            }
            #expect(throws: UnreadableBytes.self) { try object.bytes(at: 990, count: 11) }
            let error = #expect(throws: StorageError.self) { try store.read("a/b/c.bin", byteLimit: 999) }
            #expect(error?.code == .read)
        }
    }

    @Test("says what is not there", arguments: Kind.allCases)
    func missing(kind: Kind) async throws {
        try await withStore(kind) { store, folder in
            #expect(try store.stat("x") == nil)
            #expect(#expect(throws: StorageError.self) { try store.open("x") }?.code == .missing)
            #expect(#expect(throws: StorageError.self) { try store.copy("x", to: "y") }?.code == .missing)
            try store.delete("x")
            #expect(try store.list("", after: nil, limit: 10) == ObjectPage(entries: [], next: nil))
            try store.put([1], to: "a/b")
            for key in ["a", "a/b/c"] as [ObjectKey] {
                #expect(try store.stat(key) == nil)
                #expect(#expect(throws: StorageError.self) { try store.open(key) }?.code == .missing)
                try? store.delete(key)  // a folder is no object, and neither is what would lie in a file
            }
            #expect(throws: StorageError.self) { try store.put(takingFile: folder + "/none", to: "a/b") }
            #expect(throws: StorageError.self) { try store.copy("x", to: "a/b") }
            #expect(try store.read("a/b", byteLimit: 1) == [1])
            try store.delete("a/b")
            #expect(try store.stat("a/b") == nil)
        }
    }

    @Test("takes a large file, and has it then", arguments: Kind.allCases)
    func takenFile(kind: Kind) async throws {
        try await withStore(kind) { store, folder in
            var random = SplitMix64(seed: 1)
            let bytes = (0..<(5 << 20)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let path = folder + "/made"
            for round in 0..<2 {
                try Data(bytes.dropFirst(round)).write(to: URL(fileURLWithPath: path))
                try store.put(takingFile: path, to: "shards/s-000000.tar.zst")
                #expect(!FileManager.default.fileExists(atPath: path))
                var read: [UInt8] = []
                try store.open("shards/s-000000.tar.zst").forEachBlock(of: 999_999) { read += $0 }
                #expect(read == Array(bytes.dropFirst(round)))
            }
            #expect(throws: StorageError.self) { try store.put(takingFile: folder, to: "folder") }
        }
    }

    @Test("shows a reader one version, whatever is put meanwhile", arguments: Kind.allCases)
    func oneVersion(kind: Kind) async throws {
        try await withStore(kind) { store, _ in
            try store.put([UInt8](repeating: 0, count: 9000), to: "k")
            let old = try store.open("k")
            try store.put([UInt8](repeating: 1, count: 500), to: "k")
            // A store that does not keep what was replaced says so.
            if let read = try? old.bytes(at: 8000, count: 1000) { #expect(read == [UInt8](repeating: 0, count: 1000)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<2 as Range<UInt8> {
                    group.addTask {
                        for round in 0..<40 {
                            try store.put([UInt8](repeating: writer, count: 5000 + round), to: "k")
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<200 {
                        let bytes = try store.read("k", byteLimit: 10_000)
                        try #require(!bytes.isEmpty && bytes.allSatisfy { $0 == bytes[0] })
                    }
                }
                for try await _ in group {}
            }
        }
    }

    @Test("copies, also again, over another and after the source is gone", arguments: Kind.allCases)
    func copy(kind: Kind) async throws {
        try await withStore(kind) { store, _ in
            try store.put([1, 2], to: "staging/s.1")
            try store.put([9], to: "shards/s")
            for target in ["shards/s", "shards/s", "other/place/s", "staging/s.1"] as [ObjectKey] {
                try store.copy("staging/s.1", to: target)
                #expect(try store.read(target, byteLimit: 9) == [1, 2])
            }
            try store.put([3], to: "other/place/s")
            #expect(try store.read("shards/s", byteLimit: 9) == [1, 2], "a copy is an object of its own")
            try store.delete("staging/s.1")
            #expect(try store.read("shards/s", byteLimit: 9) == [1, 2])
            #expect(try names(store, "") == ["other/place/s", "shards/s"])
        }
    }

    @Test("makes several copies in order, up to the first that cannot be made", arguments: Kind.allCases)
    func copyAll(kind: Kind) async throws {
        try await withStore(kind) { store, _ in
            try store.put([1], to: "staging/a")
            try store.put([2], to: "staging/b")
            try store.copyAll([])
            try store.copyAll([
                ObjectCopy("staging/a", to: "x/a"), ObjectCopy("staging/b", to: "y/b"), ObjectCopy("x/a", to: "z"),
            ])
            #expect(try ["x/a", "y/b", "z"].map { try store.read($0, byteLimit: 9) } == [[1], [2], [1]])
            let error = #expect(throws: StorageError.self) {
                try store.copyAll([
                    ObjectCopy("staging/b", to: "z"), ObjectCopy("none", to: "n"), ObjectCopy("z", to: "never"),
                ])
            }
            #expect(error?.code == .missing)
            #expect(try names(store, "") == ["staging/a", "staging/b", "x/a", "y/b", "z"])
        }
    }

    @Test("lets one of many have a name that is free", arguments: Kind.allCases)
    func putIfAbsent(kind: Kind) async throws {
        try await withStore(kind) { store, _ in
            for round in 0..<10 {
                let key = try #require(ObjectKey("races/\(round)"))
                let winners = try await withThrowingTaskGroup(of: UInt8?.self) { group -> [UInt8] in
                    for racer in 0..<8 as Range<UInt8> {
                        group.addTask { try store.putIfAbsent([racer], to: key) ? racer : nil }
                    }
                    return try await group.reduce(into: [UInt8]()) { all, racer in if let racer { all.append(racer) } }
                }
                try #require(winners.count == 1)
                #expect(try store.read(key, byteLimit: 1) == winners)
                #expect(try !store.putIfAbsent([99], to: key))
            }
            #expect(try names(store, "").count == 10)
        }
    }

    @Test("lists by the bytes of names, page by page, below any prefix", arguments: Kind.allCases)
    func listing(kind: Kind) async throws {
        for seed in 0..<12 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            try await withStore(kind) { store, _ in
                var all: [String: Int] = [:]
                let parts = ["a", "b", "a.b", "a-", "a b", "ä", "z+%41", "~", "0", "shards"]
                for _ in 0..<40 {
                    let depth = Int.random(in: 1...3, using: &random)
                    let name = (0..<depth).map { _ in parts.randomElement(using: &random) ?? "" }.joined(separator: "/")
                    // A name is that of an object or of a folder: a directory cannot have both.
                    let isTaken = all.keys.contains { $0.hasPrefix(name + "/") || name.hasPrefix($0 + "/") }
                    guard !isTaken, let key = ObjectKey(name) else { continue }
                    all[name] = Int.random(in: 0...9, using: &random)
                    try store.put([UInt8](repeating: 1, count: all[name, default: 0]), to: key)
                }
                let sorted = all.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                for prefix in ["", "a", "a/", "a/b", "shards/", "ä/z", "none/", "a/none", "/", "../", "a//"] {
                    let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
                    try #require(try names(store, prefix) == expected, "seed \(seed), \(prefix)")
                    let limit = Int.random(in: 1...7, using: &random)
                    var (found, after): ([ObjectPage.Entry], ObjectKey?) = ([], nil)
                    repeat {
                        let page = try store.list(prefix, after: after, limit: limit)
                        try #require(page.entries.count <= limit)
                        try #require(page.next == nil || page.next == page.entries.last?.key)
                        found += page.entries
                        after = page.next
                    } while after != nil
                    try #require(found.map(\.key.text) == expected, "seed \(seed), \(prefix) by \(limit)")
                    #expect(found.allSatisfy { $0.byteCount == all[$0.key.text] })
                    // Also from a name that is not there.
                    if let key = ObjectKey(parts.randomElement(using: &random) ?? "") {
                        let rest = try store.list(prefix, after: key, limit: 100).entries.map(\.key)
                        let known = expected.filter { key.text.utf8.lexicographicallyPrecedes($0.utf8) }
                        try #require(rest.map(\.text) == Array(known.prefix(rest.count)), "seed \(seed)")
                    }
                }
            }
        }
    }

    private func names(_ store: any ObjectStore, _ prefix: String) throws -> [String] {
        var names: [String] = []
        try store.forEach(prefix) { names.append($0.key.text) }
        return names
    }
}
