import Foundation
import Samples
import Storage
import TestSupport
import Testing

@Suite("A directory as a store") struct DirectoryStoreTests {
    private func inFolder(_ body: (DirectoryStore) throws -> Void) throws {
        let folder = try Project.temporaryFolder("directory")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(DirectoryStore(folder))
    }

    @Test("takes no name that leads out of it, or that another store would not take")
    func names() {
        for text in ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\0b"] {
            #expect(ObjectKey(text) == nil, "\(text)")
        }
        #expect(ObjectKey(String(repeating: "ä", count: 513)) == nil)
        for text in ["a", "a/b.c", "..a", "a b+%41", "ä/…"] { #expect(ObjectKey(text)?.text == text) }
    }

    @Test("leaves no partial file behind, and does not list those of others")
    func partialFiles() throws {
        try inFolder { store in
            try store.put([1], to: "a")
            try store.copy("a", to: "b")
            try store.copy("a", to: "b")
            #expect(try store.putIfAbsent([1], to: "c") && !store.putIfAbsent([1], to: "c"))
            #expect(throws: StorageError.self) { try store.copy("none", to: "b") }
            try FileManager.default.createDirectory(atPath: store.root + "/taken", withIntermediateDirectories: true)
            #expect(throws: StorageError.self) { try store.put([1], to: "taken") }
            #expect(throws: StorageError.self) { try store.copy("a", to: "taken") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: store.root + "/.partial") == [])
            try Data([1]).write(to: URL(fileURLWithPath: store.root + "/.partial/killed.partial"))
            for prefix in ["", ".", ".partial/"] {
                let page = try store.list(prefix, after: nil, limit: 9)
                #expect(page.entries.map(\.key) == (prefix.isEmpty ? ["a", "b", "c"] : []))
            }
        }
    }

    @Test("follows links to objects and the one to a folder that is asked for")
    func links() throws {
        try inFolder { store in
            try store.put([1, 2], to: "disk/x")
            for (name, target) in [("shards", "disk"), ("link", "disk/x"), ("loop", "."), ("broken", "nothing")] {
                try FileManager.default.createSymbolicLink(
                    atPath: store.root + "/" + name, withDestinationPath: target)
            }
            #expect(try store.list("", after: nil, limit: 9).entries.map(\.key) == ["disk/x", "link"])
            #expect(try store.list("shards/", after: nil, limit: 9).entries.map(\.key) == ["shards/x"])
            #expect(try store.read("shards/x", byteLimit: 2) == [1, 2])
            try store.copy("link", to: "copy")
            try store.delete("disk/x")
            #expect(try store.read("copy", byteLimit: 2) == [1, 2])
            #expect(throws: StorageError.self) { try store.stat("broken") }
        }
    }

    @Test("never waits for what is no file")
    func pipes() throws {
        try inFolder { store in
            #expect(mkfifo(store.root + "/pipe", 0o600) == 0)
            #expect(throws: StorageError.self) { try store.stat("pipe") }
            #expect(throws: StorageError.self) { try store.open("pipe") }
            let page = try store.list("", after: nil, limit: 9)
            #expect(page.entries.isEmpty)
        }
    }

    @Test("lists a folder of many names in pages")
    func manyNames() throws {
        try inFolder { store in
            let folder = store.root + "/shards"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for number in 0..<3000 {
                #expect(FileManager.default.createFile(atPath: "\(folder)/\(number)", contents: nil))
            }
            var found: [ObjectKey] = []
            try store.forEach("shards/") { found.append($0.key) }
            #expect(found.count == 3000 && found == found.sorted())
        }
    }
}
