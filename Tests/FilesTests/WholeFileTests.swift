import Foundation
import Testing

@testable import Files

@Suite("a file that is written whole")
struct WholeFileTests {
    private let folder = NSTemporaryDirectory() + "files-" + UUID().uuidString

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    @Test("takes the place of the one before in one step, and leaves nothing else")
    func replaces() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/a"
        try writeFile("one".utf8, to: path)
        try writeFile("two".utf8, to: path, through: folder + "/other")
        #expect(FileManager.default.contents(atPath: path) == Data("two".utf8))
        #expect(try names() == ["a"])
    }

    @Test("leaves the one before as it was, and no part, when its writer fails")
    func failure() throws {
        struct Stopped: Error {}
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/a"
        try writeFile("one".utf8, to: path)
        #expect(throws: Stopped.self) {
            try writeFile(path) { file in
                try file.write(Array("half of".utf8))
                #expect(try names() == ["a", "a.partial"])
                throw Stopped()
            }
        }
        #expect(FileManager.default.contents(atPath: path) == Data("one".utf8))
        #expect(try names() == ["a"])
    }

    @Test("says which step failed, of which file, and why")
    func errors() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect {
            try writeFile([1], to: folder + "/none/a")
        } throws: { "\($0)" == folder + "/none/a.partial: create: No such file or directory" }
        #expect {
            try writeFile([UInt8](repeating: 0, count: 1 << 20), to: "/dev/full")
        } throws: { ($0 as? FileError)?.number == ENOSPC }
        #expect(access("/dev/full", F_OK) == 0, "a device stays a device")
    }

    @Test("lies in folders that are made, unless a file is in the way")
    func makingFolders() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for _ in 0..<2 { try makeFolder(folder + "/a/b/c") }
        try writeFile([1], to: folder + "/a/b/c/d")
        for path in ["/a/b/c/d", "/a/b/c/d/e"] {
            #expect(throws: FileError.self) { try makeFolder(folder + path) }
        }
        #expect { try makeFolder(folder + "/a/b/c/d/e") } throws: { "\($0)".hasSuffix("create: Not a directory") }
    }

    @Test("is a folder too, which takes its name when it is whole")
    func folders() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/a.partial", withIntermediateDirectories: true)
        try writeFile([1], to: folder + "/a.partial/b")
        try publishFile(folder + "/a.partial", as: folder + "/a")
        #expect(try names() == ["a"])
        #expect(FileManager.default.contents(atPath: folder + "/a/b") == Data([1]))
    }
}
