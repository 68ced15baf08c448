import Coordination
import Foundation
import Manifests
import Samples
import SourceAdapters
import Storage
import Tables

/// A done unit, with the number of its first row in the whole data set.
struct DonePlace: Sendable {
    let published: PublishedUnit
    let firstRow: Int
}

/// Finds the rows of a build whose units are all done that have the image of an earlier row, or of too many.
///
/// It looks at the digests and hashes in the tables alone, which stay when a row is left out: asked again, it finds the same.
struct RepeatSearch {
    private let rules: Manifest.Deduplicate
    private let output: OutputDirectory

    init(_ rules: Manifest.Deduplicate, _ output: OutputDirectory) { (self.rules, self.output) = (rules, output) }

    /// The rows that are left out; `places` are all units of the build, in the order of the manifest.
    ///
    /// - Throws: A `TableError` where a table cannot be read, and what the disk says where there is no room for the hashes.
    func run(_ places: [DonePlace], rowCount: Int) throws -> Repeats {
        var repeats = Repeats(rowCount: rowCount)
        let folder = output.sortingFolder
        if rules.bytes || rules.placeholderRepeats > 0 {
            let finder = try DuplicateFinder(folder: folder)
            try forEachImage(places) { row, digest, _ in try finder.add(digest.prefix, row: row) }
            try finder.finish { entries in
                if rules.placeholderRepeats > 0, entries.count >= rules.placeholderRepeats {
                    for entry in entries { repeats.placeholders.insert(entry.row) }
                } else if rules.bytes {
                    for entry in entries.dropFirst() { repeats.sameBytes.insert(entry.row) }
                }
            }
        }
        guard let distance = rules.perceptual else { return repeats }
        // Hashes that differ in at most `distance` bits are equal in one of so many bands and one more.
        let bandBits = 64 / (distance + 1)
        for band in 0...distance {
            let finder = try DuplicateFinder(folder: folder)
            try forEachImage(places) { row, _, hash in
                guard let hash, repeats.rejection(of: row) == nil || repeats.sameLook.contains(row) else { return }
                try finder.add(hash.rotatedLeft(band * bandBits), row: row)
            }
            try finder.finish(prefixBits: bandBits) { entries in
                var seen = SeenHashes(distance: distance, sharedBits: bandBits)
                for entry in entries where seen.add(entry.hash) { repeats.sameLook.insert(entry.row) }
            }
        }
        return repeats
    }

    /// Gives every row whose image was kept, or left out as a repeated one, to `visit`.
    private func forEachImage(
        _ places: [DonePlace], visit: (_ row: Int, _ digest: ContentDigest, _ hash: UInt64?) throws -> Void
    ) throws {
        let compared = [ResultRow.success] + [Rejection.Reason.duplicate, .placeholder].map(\.rawValue)
        for place in places {
            try Task.checkCancellation()
            let name = place.published.unit.shardName
            let key = place.published.isDraft ? DatasetLayout.draftTable(name) : DatasetLayout.table(name)
            let table = try TableReader(output.store.open(key))
            var row = place.firstRow
            for group in 0..<table.rowGroupCount {
                try table.rows(ofGroup: group, columns: ["status", "sha256", "perceptual_hash"]) { _, cells in
                    defer { row += 1 }
                    // Rows that were left out before anything was fetched have no digest.
                    guard let status = try cells.string(0), compared.contains(status),
                        let digest = try cells.string(1).flatMap({ ContentDigest(hex: $0) })
                    else { return }
                    try visit(row, digest, try cells.string(2).flatMap { UInt64($0, radix: 16) })
                }
            }
        }
    }
}

/// The rows of a data set that are left out for what other rows are.
struct Repeats: Sendable {
    var placeholders: RowSet
    var sameBytes: RowSet
    var sameLook: RowSet

    init(rowCount: Int) {
        placeholders = RowSet(rowCount: rowCount)
        sameBytes = RowSet(rowCount: rowCount)
        sameLook = RowSet(rowCount: rowCount)
    }

    /// Why row `row` is left out; nil where it is kept.
    func rejection(of row: Int) -> Rejection? {
        if placeholders.contains(row) {
            return Rejection(.placeholder, "deduplicate.placeholder_repeats rows or more have these bytes")
        }
        if sameBytes.contains(row) { return Rejection(.duplicate, "an earlier row has these bytes") }
        if sameLook.contains(row) { return Rejection(.duplicate, "an earlier row's image looks the same") }
        return nil
    }
}

extension UInt64 {
    fileprivate func rotatedLeft(_ bits: Int) -> UInt64 {
        self << UInt64(bits) | self >> UInt64(64 - bits)
    }
}
