import Digests
import Images
package import Samples
package import Shards
import Tables

/// The end of the flow: records become a shard and its table, written as they come.
package actor ShardStage {
    /// What the two finished files are.
    package struct Summary: Sendable, Equatable {
        package let shard: ShardSummary
        package let tableByteCount: Int
        package let tableDigest: ContentDigest
        /// Rows left out, by the raw value of their reason.
        package let rejections: [String: Int]
    }

    private let shardPath: String
    private let tablePath: String
    private let level: Int
    private var writers: (shard: ShardWriter, table: ResultTableWriter)?
    private var rejections: [String: Int] = [:]

    /// Will write the files `shardPath` and `tablePath`; `level` is zstd's.
    package init(shardPath: String, tablePath: String, level: Int) {
        self.shardPath = shardPath
        self.tablePath = tablePath
        self.level = level
    }

    /// Adds `record`; call it in row order.
    package func write(_ record: SampleRecord) throws {
        let writers = try open()
        try writers.table.append(record.resultRow)
        if let rejection = record.rejection {
            rejections[rejection.reason.rawValue, default: 0] += 1
        } else {
            try writers.shard.append(record.shardSample)
        }
    }

    /// Ends both files and waits until they are on the disk; call it once, last.
    package func finish() throws -> Summary {
        let writers = try open()
        try writers.table.finish()
        let shard = try writers.shard.finish()
        let table = try digest(ofFile: tablePath)
        return Summary(
            shard: shard, tableByteCount: table.byteCount, tableDigest: table.digest, rejections: rejections)
    }

    private func open() throws -> (shard: ShardWriter, table: ResultTableWriter) {
        if let writers { return writers }
        let opened = (
            shard: try ShardWriter(path: shardPath, level: level), table: try ResultTableWriter(path: tablePath)
        )
        writers = opened
        return opened
    }
}

extension SampleRecord {
    /// The record as a row of the shard's table.
    fileprivate var resultRow: ResultRow {
        var row = ResultRow(
            key: id.key, url: url, status: rejection?.reason.rawValue ?? ResultRow.success, webCaption: webCaption)
        row.errorMessage = rejection?.message
        row.width = image?.size.width
        row.height = image?.size.height
        row.originalWidth = original?.width
        row.originalHeight = original?.height
        row.sha256 = sha256?.hex
        row.perceptualHash = perceptualHash
        row.httpStatus = httpStatus
        row.finalURL = finalURL
        row.sourceID = sourceID.isEmpty ? nil : sourceID
        row.captions = kept
        row.candidates = candidates
        return row
    }

    /// The record as a sample of the shard; it must not have been rejected.
    fileprivate var shardSample: ShardSample {
        guard let image, let original, let sha256 else {
            preconditionFailure("\(id.key) was kept without an image")
        }
        return ShardSample(
            image: image.bytes, imageExtension: image.fileExtension,
            metadata: SampleMetadata(
                key: id.key, source: id.source, sourceID: sourceID, url: url, width: image.size.width,
                height: image.size.height, originalWidth: original.width, originalHeight: original.height,
                sha256: sha256.hex, webCaption: webCaption, captions: kept, candidates: candidates))
    }
}
