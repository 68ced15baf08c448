import Files
import Foundation

/// A set of rows, in memory and as a file of one bit a row: 52 MB for the 413 million of LAION-400M.
package struct RowSet: Sendable {
    private var bits: [UInt8]

    /// A set of none of `rowCount` rows.
    package init(rowCount: Int) { bits = [UInt8](repeating: 0, count: (rowCount + 7) / 8) }

    package mutating func insert(_ row: Int) { bits[row / 8] |= 1 << UInt8(row % 8) }

    package func contains(_ row: Int) -> Bool { bits[row / 8] >> UInt8(row % 8) & 1 == 1 }

    /// Writes the set to the file `path`, which is there only when it is whole.
    package func write(to path: String) throws {
        do {
            try writeFile(bits, to: path)
        } catch {
            throw SourceError(.unreadable, error.path, "cannot be written: \(error.reason)")
        }
    }

    /// Those of `rows` that are in the set in the file `path`.
    static func members(_ path: String, of rows: Range<Int>) throws(SourceError) -> Set<Int> {
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }  // read only: nothing can be lost
            let first = rows.lowerBound / 8
            try file.seek(toOffset: UInt64(first))
            let bytes = [UInt8](try file.read(upToCount: (rows.upperBound + 7) / 8 - first) ?? Data())
            return Set(
                rows.filter { row in
                    row / 8 - first < bytes.count && bytes[row / 8 - first] >> UInt8(row % 8) & 1 == 1
                })
        } catch {
            throw SourceError(.unreadable, path, error.localizedDescription)
        }
    }
}
