import Digests
import Files
import Images
package import Samples
package import Shards
import Tables

/// The end of the flow: the rows of a spool become a shard and its table, on a thread that the disk may block.
package actor ShardStage {
    /// What the two finished files are.
    package struct Summary: Sendable, Equatable {
        package let shard: ShardSummary
        package let tableByteCount: Int
        package let tableDigest: ContentDigest
        /// Rows left out, by the raw value of their reason.
        package let rejections: [String: Int]
    }

    private let level: Int
    private let executor = QueueExecutor(label: "shard")

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// `level` is zstd's.
    package init(level: Int) { self.level = level }

    /// Writes the rows of `unit`, in their order, to new files `shardPath` and `tablePath`, which are then on the disk.
    ///
    /// `moved` is called at every row.
    package func write(
        _ unit: SpooledUnit, shardPath: String, tablePath: String, moved: @Sendable () -> Void
    ) throws -> Summary {
        let (shard, table) = (
            try ShardWriter(path: shardPath, level: level), try ResultTableWriter(path: tablePath)
        )
        var rejections: [String: Int] = [:]
        for number in 0..<unit.unit.rowCount {
            try Task.checkCancellation()
            let row = try unit.row(number)
            try table.append(row.resultRow)
            switch row {
            case .kept(let row, let captions): try shard.append(ShardSample(row, captions))
            case .leftOut(let row): rejections[row.rejection.reason.rawValue, default: 0] += 1
            }
            moved()
        }
        try table.finish()
        moved()
        let summary = try shard.finish()
        moved()
        let described = try digest(ofFile: tablePath)
        returnFreedMemory()  // all that the unit's rows took
        return Summary(
            shard: summary, tableByteCount: described.byteCount, tableDigest: described.digest, rejections: rejections)
    }
}

extension FinishedRow {
    /// The row of the shard's table.
    fileprivate var resultRow: ResultRow {
        switch self {
        case .kept(let row, let captions):
            var result = ResultRow(row.origin, status: ResultRow.success, answer: row.answer)
            result.width = row.image.size.width
            result.height = row.image.size.height
            result.originalWidth = row.original.width
            result.originalHeight = row.original.height
            result.sha256 = row.sha256.hex
            result.perceptualHash = row.perceptualHash
            result.captions = captions.kept
            result.candidates = captions.candidates
            return result
        case .leftOut(let row):
            var result = ResultRow(row.origin, status: row.rejection.reason.rawValue, answer: row.answer)
            result.errorMessage = row.rejection.message
            result.originalWidth = row.original?.width
            result.originalHeight = row.original?.height
            result.sha256 = row.sha256?.hex
            return result
        }
    }
}

extension ResultRow {
    fileprivate init(_ origin: RowOrigin, status: String, answer: FetchAnswer) {
        self.init(key: origin.id.key, url: origin.url, status: status, webCaption: origin.webCaption)
        httpStatus = answer.httpStatus
        finalURL = answer.finalURL
        sourceID = origin.sourceID.isEmpty ? nil : origin.sourceID
    }
}

extension ShardSample {
    fileprivate init(_ row: EncodedRow, _ captions: RowCaptions) {
        self.init(
            image: row.image.bytes, imageExtension: row.image.fileExtension,
            metadata: SampleMetadata(
                key: row.origin.id.key, source: row.origin.id.source, sourceID: row.origin.sourceID,
                url: row.origin.url, width: row.image.size.width, height: row.image.size.height,
                originalWidth: row.original.width, originalHeight: row.original.height, sha256: row.sha256.hex,
                webCaption: row.origin.webCaption, captions: captions.kept, candidates: captions.candidates))
    }
}
