import Foundation
import Samples

/// Finds the rows of a data set that share a hash of 64 bits, or the beginning of one, however many rows there are.
///
/// 1. Every hash and the row's number go to one of 256 files, by the hash's first 8 bits: 16 bytes a row, 6.6 GB for the
///    413 million of LAION-400M.
/// 2. File by file is read and sorted: 26 MB each of the same, and more where many rows have one hash.
package final class DuplicateFinder {
    private static let fileCount = 256
    private static let bufferCount = 2048

    /// A row and its hash.
    package struct Entry: Sendable {
        package let hash: UInt64
        package let row: Int
    }

    private let folder: String
    private var files: [FileHandle] = []
    private var buffers: [[Entry]]

    /// Keeps its files in `folder`, which is made anew and removed by `finish`.
    package init(folder: String) throws {
        self.folder = folder
        buffers = Array(repeating: [], count: Self.fileCount)
        try? FileManager.default.removeItem(atPath: folder)  // what a killed process left
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for number in 0..<Self.fileCount {
            let path = "\(folder)/\(number)"
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw SourceError(.unreadable, path, "cannot be created")
            }
            files.append(try FileHandle(forUpdating: URL(fileURLWithPath: path)))
        }
    }

    /// Adds a row of the whole data set.
    package func add(_ hash: UInt64, row: Int) throws {
        let file = Int(hash >> 56)
        buffers[file].append(Entry(hash: hash, row: row))
        if buffers[file].count == Self.bufferCount { try write(file) }
    }

    /// Gives every group of two or more rows whose hashes begin with the same `prefixBits` bits to `visit`, ordered by row,
    /// and removes the files.
    package func finish(prefixBits: Int = 64, _ visit: ([Entry]) throws -> Void) throws {
        precondition((8...64).contains(prefixBits), "a file holds what shares 8 bits")
        let shift = UInt64(64 - prefixBits)
        for file in files.indices {
            try write(file)
            try files[file].seek(toOffset: 0)
            var entries = try read(files[file])
            entries.sort { ($0.hash >> shift, $0.row) < ($1.hash >> shift, $1.row) }
            var first = 0
            while first < entries.count {
                let prefix = entries[first].hash >> shift
                let end = entries[first...].firstIndex { $0.hash >> shift != prefix } ?? entries.count
                if end - first > 1 { try visit(Array(entries[first..<end])) }
                first = end
            }
            try files[file].close()
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    private func write(_ file: Int) throws {
        guard !buffers[file].isEmpty else { return }
        var bytes = Data(capacity: buffers[file].count * 16)
        for entry in buffers[file] {
            for word in [entry.hash, UInt64(entry.row)] {
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
                entries.append(Entry(hash: word(place), row: Int(word(place + 8))))
            }
        }
        return entries
    }
}

extension ContentDigest {
    /// The first 64 bits, for a `DuplicateFinder`: two digests share them by chance only.
    ///
    /// Among 413 million, 0.005 rows are expected to be taken for another's duplicate.
    package var prefix: UInt64 { UInt64(hex.prefix(16), radix: 16) ?? 0 }
}
