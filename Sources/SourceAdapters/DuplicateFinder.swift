import Digests
import Foundation
import Samples

/// Finds the rows of a data set whose URL an earlier row has, however many rows there are.
///
/// 1. Every URL's first 64 bits of SHA-256 and the row's number go to one of 256 files, by the hash's first 8 bits: 16
///    bytes a row, 6.6 GB for the 413 million of LAION-400M.
/// 2. File by file is read and sorted: 26 MB each of the same. Of rows with one hash all but the first are duplicates.
///
/// Two different URLs with one hash would lose a row: among 413 million that is expected 0.005 times.
package final class DuplicateFinder {
    private static let fileCount = 256
    private static let bufferCount = 2048

    private struct Entry {
        let hash: UInt64
        let row: UInt64
    }

    private let folder: String
    private var files: [FileHandle] = []
    private var buffers: [[Entry]]

    /// Keeps its files in `folder`, which is made anew and removed by `finish`.
    package init(folder: String) throws {
        self.folder = folder
        buffers = Array(repeating: [], count: Self.fileCount)
        try? FileManager.default.removeItem(atPath: folder)  // what a killed planner left
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for number in 0..<Self.fileCount {
            let path = "\(folder)/\(number)"
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw SourceError(.unreadable, path, "cannot be created")
            }
            files.append(try FileHandle(forUpdating: URL(fileURLWithPath: path)))
        }
    }

    /// Adds the row number `row` of the whole data set, which is larger than those before.
    package func add(_ url: String, row: Int) throws {
        let hash = UInt64(digest(of: url).hex.prefix(16), radix: 16) ?? 0
        let file = Int(hash >> 56)
        buffers[file].append(Entry(hash: hash, row: UInt64(row)))
        if buffers[file].count == Self.bufferCount { try write(file) }
    }

    /// Gives every duplicate row to `mark`, in no order, and removes the files.
    package func finish(_ mark: (Int) -> Void) throws {
        for file in files.indices {
            try write(file)
            try files[file].seek(toOffset: 0)
            var entries = try read(files[file])
            entries.sort { ($0.hash, $0.row) < ($1.hash, $1.row) }
            for (entry, next) in zip(entries, entries.dropFirst()) where entry.hash == next.hash {
                mark(Int(next.row))
            }
            try files[file].close()
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    private func write(_ file: Int) throws {
        guard !buffers[file].isEmpty else { return }
        var bytes = Data(capacity: buffers[file].count * 16)
        for entry in buffers[file] {
            for word in [entry.hash, entry.row] {
                for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
            }
        }
        try files[file].write(contentsOf: bytes)
        buffers[file].removeAll(keepingCapacity: true)
    }

    private func read(_ file: FileHandle) throws -> [Entry] {
        var entries: [Entry] = []
        while let block = try file.read(upToCount: 1 << 20), !block.isEmpty {
            let bytes = [UInt8](block)
            func word(_ place: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[place + $1]) << (8 * $1) } }
            for place in stride(from: 0, to: bytes.count - 15, by: 16) {
                entries.append(Entry(hash: word(place), row: word(place + 8)))
            }
        }
        return entries
    }
}
