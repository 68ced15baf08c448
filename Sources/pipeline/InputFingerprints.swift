import Commands
import Digests
import Foundation
import Manifests
import Samples

extension Manifest {
    /// What the input files are, as settings of a build: an output is not continued with other lists.
    ///
    /// Length, and the digest of the first and the last 64 KiB: cheap for lists of any size, and a list that was
    /// edited, replaced or added to is noticed.
    func inputSettings() throws -> [String: String] {
        var settings: [String: String] = [:]
        for source in sources {
            for (index, path) in source.paths.enumerated() {
                settings["input.\(source.name)[\(index)]"] = try fingerprint(path)
            }
        }
        for (key, paths) in [("urls", exclude.urls), ("images", exclude.images), ("digests", exclude.digests)] {
            for (index, path) in paths.enumerated() { settings["exclude.\(key)[\(index)]"] = try fingerprint(path) }
        }
        return settings
    }
}

/// Length, and the digest of the first and the last 64 KiB.
func fingerprint(_ path: String) throws -> String {
    let edge = 64 << 10
    do {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }  // read only: nothing can be lost
        let byteCount = Int(try file.seekToEnd())
        let digester = Digester()
        try file.seek(toOffset: 0)
        digester.update(Array(try file.read(upToCount: edge) ?? Data()))
        try file.seek(toOffset: UInt64(max(0, byteCount - edge)))
        digester.update(Array(try file.read(upToCount: edge) ?? Data()))
        return "\(byteCount) bytes, \(digester.finish().hex.prefix(16))"
    } catch {
        throw CommandError(.badInput, "\(path): unreadable: no such file, or no right to read it")
    }
}
