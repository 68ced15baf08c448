import Commands
import Digests
import Foundation
import Images
import Samples
import Shards
package import Storage
import Tables

/// What is found when every shard of an output is read again.
package struct Verification: Encodable, Sendable {
    package private(set) var shards = 0
    package private(set) var samples = 0
    package private(set) var rows = 0
    /// Tables of which an older version recorded no digest.
    package private(set) var uncheckedTables = 0
    package private(set) var damaged: [String] = []
    /// Shards under `shards/` that the data set does not name: not its own, or not described yet.
    package private(set) var others: [String] = []

    private enum CodingKeys: String, CodingKey {
        case shards, samples, rows, damaged, others
        case uncheckedTables = "unchecked_tables"
    }

    /// Reads `dataset` again; `note` is told of every damaged shard at once.
    package init(of dataset: Dataset, note: (_ fault: String) -> Void) throws {
        let description: DatasetDescription
        do {
            description = try dataset.readDescription()
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
        for shard in description.shards {
            try Task.checkCancellation()
            shards += 1
            uncheckedTables += shard.tableSHA256 == nil ? 1 : 0
            do {
                rows += try rowCount(of: shard, in: dataset)
                samples += shard.samples
            } catch {
                damaged.append("\(error)")
                note("\(error)")
            }
        }
        let published = Set(description.shards.map(\.name))
        others = try dataset.shardNames().filter { !published.contains($0) }
            .map { dataset.place(of: DatasetLayout.shard($0)) }
    }
}

/// Checks one shard with its table; gives the table's rows.
private func rowCount(of shard: DatasetDescription.Shard, in dataset: Dataset) throws -> Int {
    let file = try dataset.openShard(shard.name)
    let path = file.name
    var keys: [String] = []
    let summary = try verifyShard(file) { sample throws(ShardError) in
        keys.append(sample.key)
        if let fault = fault(of: sample) { throw ShardError(sample: sample.key, in: path, fault) }
    }
    guard summary.sha256.hex == shard.sha256, summary.byteCount == shard.bytes, summary.samples == shard.samples
    else { throw CommandError(.failedWork, "\(path): another file than the one that was published") }
    let table = try dataset.openTable(shard.name)
    if let tableDigest = shard.tableSHA256 {
        guard try digest(of: table).hex == tableDigest, shard.tableBytes.map({ $0 == table.byteCount }) ?? true else {
            throw CommandError(.failedWork, "\(table.name): another file than the one that was published")
        }
    }
    var (rows, kept) = (0, [String]())
    try readResultTable(table) { row in
        rows += 1
        if row.status == ResultRow.success { kept.append(row.key) }
    }
    guard kept == keys else {
        throw CommandError(.failedWork, "\(table.name): its rows are not the shard's samples")
    }
    return rows
}

/// What is wrong with the image of `sample`; nil where it decodes to the size that its metadata say.
private func fault(of sample: ShardSample) -> String? {
    do {
        let image = try decode(sample.image, maxPixels: .max)
        let said = Size(width: sample.metadata.width, height: sample.metadata.height)
        return image.size == said ? nil : "the image has another size than its metadata say"
    } catch {
        return "the image: \(error)"
    }
}
