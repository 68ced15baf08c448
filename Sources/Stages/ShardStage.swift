import Digests
import Images
package import Samples
package import Shards
import Tables

/// The end of the flow: rows become a shard and its table, written as they come.
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

    /// Adds `row`; call it in row order.
    package func write(_ row: FinishedRow) throws {
        let writers = try open()
        try writers.table.append(row.resultRow)
        switch row {
        case .kept(let row, let captions): try writers.shard.append(ShardSample(row, captions))
        case .leftOut(let row): rejections[row.rejection.reason.rawValue, default: 0] += 1
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
