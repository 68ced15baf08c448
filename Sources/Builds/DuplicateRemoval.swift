import Coordination
import Digests
import Files
import Foundation
import Logging
import Manifests
import Samples
import Shards
import SourceAdapters
import Storage
import Tables

/// Publishes the drafts of a build whose units are all done, without the images that are there more than once.
///
/// Of rows that are the same the first is kept, in the order of the manifest: that is known only when every row was
/// fetched, and then it does not depend on who was faster. What is found depends on the digests and hashes in the tables
/// alone, which the removal leaves as they are: killed and started again, it finds the same.
struct DuplicateRemoval: Sendable {
    private let rules: Manifest.Deduplicate
    private let zstdLevel: Int
    private let output: OutputDirectory
    private let store: any JobStore
    private let keeper: ShardKeeper
    private let logger: Logger

    init(_ manifest: Manifest, _ keeper: ShardKeeper, _ logger: Logger) {
        (rules, zstdLevel, self.logger) = (manifest.deduplicate, manifest.shard.zstdLevel, logger)
        (output, store, self.keeper) = (keeper.output, keeper.store, keeper)
    }

    /// Publishes every draft, several at once; waits for a job store that is away.
    ///
    /// `progress` is told the rows done, and all of them.
    func run(progress: (_ done: Int, _ total: Int) async throws -> Void) async throws {
        let (places, rowCount) = try await patiently(logger) { try await abandonable { try allPlaces() } }
        let repeats = try await abandonable { try RepeatSearch(rules, output).run(places, rowCount: rowCount) }
        var waiting = places.filter(\.published.isDraft).makeIterator()
        var done = rowCount - places.reduce(0) { $0 + ($1.published.isDraft ? $1.published.unit.rowCount : 0) }
        try await progress(done, rowCount)
        try await withThrowingTaskGroup(of: Int.self) { group in
            func startNext() {
                guard let place = waiting.next() else { return }
                group.addTask {
                    try await patiently(logger) { try await abandonable { try publish(place, without: repeats) } }
                    return place.published.unit.rowCount
                }
            }
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { startNext() }
            while let rows = try await group.next() {
                done += rows
                try await progress(done, rowCount)
                startNext()
            }
        }
    }

    private func allPlaces() throws -> (places: [DonePlace], rowCount: Int) {
        var (places, rowCount): ([DonePlace], Int) = ([], 0)
        try store.forEachPublished { published in
            places.append(DonePlace(published: published, firstRow: rowCount))
            rowCount += published.unit.rowCount
        }
        return (places, rowCount)
    }

    private func publish(_ place: DonePlace, without repeats: Repeats) throws {
        let (unit, generation) = (place.published.unit, place.published.generation)
        // It may have been recorded just before the store went away.
        guard try store.published(unit: store.id(of: unit))?.isDraft == true else {
            return try output.removeDraft(unit.shardName)
        }
        let rows = place.firstRow..<place.firstRow + unit.rowCount
        let isWhole = rows.allSatisfy { repeats.rejection(of: $0) == nil }
        let result: UnitResult
        if isWhole {
            try output.copyDraft(to: MadeShard(unit.shardName, generation: generation))
            result = place.published.result
        } else {
            result = try rewrite(place, without: repeats)
        }
        try keeper.publish(unit, generation: generation, result, isChecked: true)
        try store.recordFinal(unit: store.id(of: unit), result)
        try output.removeDraft(unit.shardName)
    }

    private func rewrite(_ place: DonePlace, without repeats: Repeats) throws -> UnitResult {
        let (name, generation) = (place.published.unit.shardName, place.published.generation)
        let paths = (
            shard: output.scratchShard(name, generation: generation),
            table: output.scratchTable(name, generation: generation)
        )
        for path in [paths.shard, paths.table] { unsafe unlink(path) }  // perhaps another name of the draft
        let draft = try ShardReader(output.store.open(DatasetLayout.draftShard(name)))
        let shard = try ShardWriter(path: paths.shard, level: zstdLevel)
        let table = try ResultTableWriter(path: paths.table)
        var rejections: [String: Int] = [:]
        var number = place.firstRow
        try readResultTable(output.store.open(DatasetLayout.draftTable(name))) { row in
            try Task.checkCancellation()
            var row = row
            if row.status == ResultRow.success {
                guard let sample = try draft.next(), sample.key == row.key else {
                    throw DamagedDraft(path: output.draftShard(name), key: row.key)
                }
                if let rejection = repeats.rejection(of: number) {
                    row.leaveOut(rejection)
                } else {
                    try shard.append(sample)
                }
            }
            if row.status != ResultRow.success { rejections[row.status, default: 0] += 1 }
            try table.append(row)
            number += 1
        }
        guard try draft.next() == nil else { throw DamagedDraft(path: output.draftShard(name), key: "its end") }
        try table.finish()
        let summary = try shard.finish()
        let tableFile = try digest(ofFile: paths.table)
        return UnitResult(
            samples: summary.samples, byteCount: summary.byteCount, digest: summary.sha256,
            tableByteCount: tableFile.byteCount, tableDigest: tableFile.digest, rejections: rejections)
    }
}

/// A draft that does not hold what its table says.
private struct DamagedDraft: Error, CustomStringConvertible {
    let path: String
    let key: String
    var description: String { "\(path): not what its table says, at \(key)" }
}

extension ResultRow {
    /// Makes the row say that its image is not kept.
    fileprivate mutating func leaveOut(_ rejection: Rejection) {
        status = rejection.reason.rawValue
        errorMessage = rejection.message
        (width, height) = (nil, nil)
        (captions, candidates) = ([], [])
    }
}
