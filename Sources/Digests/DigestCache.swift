import Files
import Foundation
package import Samples

/// The digests of large files that were read before, kept between runs in a folder of the user's cache.
///
/// Each path has a small file of its own, which is replaced whole: any number of processes may use the folder at once. A
/// digest counts as long as the file's size, times, inode and device are what they were. A damaged entry is ignored and
/// written again; where the folder cannot be used, files are read each time.
package struct DigestCache: Sendable {
    private struct Entry: Codable {
        let path: String
        let mark: FileMark
        let digest: String
    }

    /// Entries that are kept; the oldest go.
    private static let capacity = 1000

    /// Where the entries are; nil where there is no cache.
    package let folder: String?
    private let smallest: Int
    private let now: @Sendable () -> Int

    /// A cache in `folder`, or none, for files of at least `smallest` bytes: others are read as fast as looked up.
    ///
    /// `now` gives nanoseconds since 1970.
    package init(
        folder: String?, smallest: Int = 4 << 20,
        now: @escaping @Sendable () -> Int = { Int(Date().timeIntervalSince1970 * 1e9) }
    ) {
        (self.folder, self.smallest, self.now) = (folder, smallest, now)
    }

    /// The cache of the user whose `environment` this is: `blip2/digests` in `XDG_CACHE_HOME`, or else in `~/.cache`.
    package static func ofUser(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> DigestCache {
        // The base directory specification ignores paths that are not absolute.
        let caches = [environment["XDG_CACHE_HOME"], environment["HOME"].map { $0 + "/.cache" }]
        let base = caches.compactMap { $0 }.first { $0.hasPrefix("/") }
        return DigestCache(folder: base.map { $0 + "/blip2/digests" })
    }

    /// The SHA-256 digest of the file `path`, which is read where it is not known.
    package func digest(ofFile path: String) throws -> ContentDigest {
        guard let folder, let mark = try? FileMark(path), mark.byteCount >= smallest else {
            return try Digests.digest(ofFile: path).digest  // which says what is wrong with the file
        }
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let place = folder + "/" + Digests.digest(of: real).hex
        if let entry = Self.entry(place), entry.path == real, entry.mark == mark,
            let known = ContentDigest(hex: entry.digest)
        {
            return known
        }
        let time = now()
        let digest = try Digests.digest(ofFile: path).digest
        // A file that is written to meanwhile is another one now; one that just changed may change within its time stamp.
        if mark.isSettled(at: time), (try? FileMark(path)) == mark {
            remember(Entry(path: real, mark: mark, digest: digest.hex), folder, place)
        }
        return digest
    }

    /// The entry in the file `place`; nil where there is none, or none that is whole.
    private static func entry(_ place: String) -> Entry? {
        guard let bytes = FileManager.default.contents(atPath: place), let end = bytes.firstIndex(of: 0x0a) else {
            return nil
        }
        let json = Array(bytes[(end + 1)...])
        guard bytes[..<end].elementsEqual(Digests.digest(of: json).hex.utf8) else { return nil }
        return try? JSONDecoder().decode(Entry.self, from: Data(json))
    }

    /// Writes `entry` behind its own digest; the file of an entry that cannot be written is read again next time.
    private func remember(_ entry: Entry, _ folder: String, _ place: String) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let json = try? encoder.encode(entry), (try? makeFolder(folder)) != nil else { return }
        let text = Array(Digests.digest(of: Array(json)).hex.utf8) + [0x0a] + json
        // Each process has a name of its own until the file is whole.
        try? writeFile(text, to: place, through: "\(place).\(UUID().uuidString)")
        prune(folder)
    }

    /// Removes the oldest entries where there are too many.
    private func prune(_ folder: String) {
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: folder), names.count > Self.capacity else { return }
        let aged = names.map { name in (written: (try? FileMark(folder + "/" + name))?.written ?? 0, name: name) }
        for old in aged.sorted(by: <).prefix(names.count - Self.capacity) {
            try? files.removeItem(atPath: folder + "/" + old.name)  // another process may have been faster
        }
    }
}
