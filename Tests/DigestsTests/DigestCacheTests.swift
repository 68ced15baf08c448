import Digests
import Foundation
import Samples
import TestSupport
import Testing

@Suite("Digests of files that were read before") struct DigestCacheTests {
    /// A folder with a file, and a cache in it for files of any size, long after the file was written.
    private struct Site {
        let folder: String
        let file: String
        var cache: String { folder + "/cache" }

        init(_ name: String = #function) throws {
            folder = try Project.temporaryFolder(name)
            file = folder + "/weights"
            try write("first")
        }

        func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file)) }

        func digest(secondsLater seconds: Int = 60) throws -> String {
            let now = Int(Date().timeIntervalSince1970 * 1e9) + seconds * 1_000_000_000
            return try DigestCache(folder: cache, smallest: 0, now: { now }).digest(ofFile: file).hex
        }

        func entries() throws -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? []).map { cache + "/" + $0 }
        }

        /// Makes the only entry say `digest`, as if the file had been read and given it.
        func plant(_ digest: String) throws {
            let place = try #require(entries().first)
            let text = try String(contentsOfFile: place, encoding: .utf8)
            let json = try #require(text.split(separator: "\n").last)
            var object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            object["digest"] = digest
            let other = try JSONSerialization.data(withJSONObject: object)
            try (Data((Digests.digest(of: Array(other)).hex + "\n").utf8) + other)
                .write(to: URL(fileURLWithPath: place))
        }
    }

    private let planted = String(repeating: "ab", count: 32)

    @Test("are taken from the cache as long as the file is the same, and read anew when it changes")
    func changes() throws {
        let site = try Site()
        defer { try? FileManager.default.removeItem(atPath: site.folder) }
        let first = digest(of: "first").hex
        #expect(try site.digest() == first)
        try site.plant(planted)
        #expect(try site.digest() == planted, "the file was read again")
        // Another length, another content of the same length, another file of the same content.
        try site.write("second one")
        #expect(try site.digest() == digest(of: "second one").hex)
        try site.plant(planted)
        try site.write("2econd one")
        #expect(try site.digest() == digest(of: "2econd one").hex)
        try site.plant(planted)
        try FileManager.default.copyItem(atPath: site.file, toPath: site.file + "2")
        try FileManager.default.removeItem(atPath: site.file)
        try FileManager.default.moveItem(atPath: site.file + "2", toPath: site.file)
        #expect(try site.digest() == digest(of: "2econd one").hex)
    }

    @Test("a change counts even where the time of the last write was put back")
    func timesPutBack() throws {
        let site = try Site()
        defer { try? FileManager.default.removeItem(atPath: site.folder) }
        let before = try FileManager.default.attributesOfItem(atPath: site.file)[.modificationDate]
        _ = try site.digest()
        try site.plant(planted)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: site.file))
        try handle.write(contentsOf: Data("F".utf8))
        try handle.close()
        try FileManager.default.setAttributes([.modificationDate: try #require(before)], ofItemAtPath: site.file)
        #expect(try site.digest() == digest(of: "First").hex)
    }

    @Test("a file that has just been written is not remembered: it may change again within its time stamp")
    func racy() throws {
        let site = try Site()
        defer { try? FileManager.default.removeItem(atPath: site.folder) }
        for seconds in [0, 1, -3600] {
            _ = try site.digest(secondsLater: seconds)
            #expect(try site.entries().isEmpty, "\(seconds)")
        }
        _ = try site.digest(secondsLater: 5)
        #expect(try site.entries().count == 1)
    }

    @Test("a damaged entry is ignored and written again")
    func damaged() throws {
        let site = try Site()
        defer { try? FileManager.default.removeItem(atPath: site.folder) }
        let first = try site.digest()
        let place = try #require(site.entries().first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: place))
        var flipped = whole
        flipped[whole.count - 10] ^= 1
        let half = whole.prefix(whole.count / 2)
        for damage in [flipped, half, Data(), Data("\n".utf8), Data([0xff, 0x0a, 0x7b])] {
            try damage.write(to: URL(fileURLWithPath: place))
            #expect(try site.digest() == first)
            #expect(try Data(contentsOf: URL(fileURLWithPath: place)) == whole)
        }
    }

    @Test("a cache that cannot be written, or none, only costs time; a missing file is an error")
    func withoutCache() throws {
        let site = try Site()
        defer { try? FileManager.default.removeItem(atPath: site.folder) }
        try Data().write(to: URL(fileURLWithPath: site.cache))  // a file where the folder should be
        #expect(try site.digest() == digest(of: "first").hex)
        #expect(try DigestCache(folder: nil).digest(ofFile: site.file).hex == digest(of: "first").hex)
        #expect(throws: (any Error).self) { try DigestCache.ofUser([:]).digest(ofFile: site.folder + "/none") }
    }

    @Test("many threads at once get the right digests and leave whole entries")
    func concurrency() async throws {
        let site = try Site()
        defer { try? FileManager.default.removeItem(atPath: site.folder) }
        let (folder, cache) = (site.folder, site.cache)
        for index in 0..<4 {
            try Data("file \(index)".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(index)"))
        }
        let now = Int(Date().timeIntervalSince1970 * 1e9) + 60_000_000_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    let digests = DigestCache(folder: cache, smallest: 0, now: { now })
                    let found = try digests.digest(ofFile: "\(folder)/\(task % 4)")
                    #expect(found == digest(of: "file \(task % 4)"))
                }
            }
            for try await _ in group {}
        }
        #expect(try site.entries().count == 4, "no partial entry is left")
    }

    @Test("the user's cache is where the base directory specification says")
    func places() {
        let environments = [
            (["XDG_CACHE_HOME": "/xdg", "HOME": "/home"], "/xdg/blip2/digests"),
            (["XDG_CACHE_HOME": "relative", "HOME": "/home"], "/home/.cache/blip2/digests"),
            (["HOME": "/home"], "/home/.cache/blip2/digests"),
        ]
        for (environment, place) in environments { #expect(DigestCache.ofUser(environment).folder == place) }
        #expect(DigestCache.ofUser([:]).folder == nil)
    }
}
