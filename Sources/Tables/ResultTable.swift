package import Samples

/// What became of one input row, as a shard's table says it; the columns that users of img2dataset know, and ours.
package struct ResultRow: Sendable, Equatable {
    /// What `status` says of a row that was kept.
    package static let success = "success"

    package var key: String
    package var url: String
    /// `success`, or the raw value of a `Rejection.Reason`.
    package var status: String
    package var errorMessage: String?
    /// Of the stored image, in pixels.
    package var width: Int?
    package var height: Int?
    /// Of the image as fetched, upright, in pixels.
    package var originalWidth: Int?
    package var originalHeight: Int?
    /// Of the bytes as fetched.
    package var sha256: String?
    /// What the image looks like; nil where nobody asked.
    package var perceptualHash: UInt64?
    package var httpStatus: Int?
    package var finalURL: String?
    package var sourceID: String?
    package var webCaption: String
    package var captions: [ScoredCaption]
    package var candidates: [ScoredCaption]

    /// A row with its key, URL, fate and caption; the rest is set where it is known.
    package init(key: String, url: String, status: String, webCaption: String) {
        self.key = key
        self.url = url
        self.status = status
        self.webCaption = webCaption
        captions = []
        candidates = []
    }
}

private let columns: [(name: String, type: ColumnType)] = [
    ("key", .string), ("url", .string), ("caption", .string), ("status", .string), ("error_message", .string),
    ("width", .int64), ("height", .int64), ("original_width", .int64), ("original_height", .int64),
    ("sha256", .string), ("http_status", .int64), ("final_url", .string), ("source_id", .string),
    ("web_caption", .string), ("captions", .stringList), ("caption_scores", .doubleList),
    ("caption_origins", .stringList), ("candidates", .stringList), ("candidate_scores", .doubleList),
    ("candidate_origins", .stringList), ("perceptual_hash", .string),
]

/// Writes the table of one shard: one row for every input row.
package final class ResultTableWriter {
    private let writer: TableWriter

    /// Creates the file `path`.
    package init(path: String) throws(TableError) {
        writer = try TableWriter(path: path, columns: columns)
    }

    /// Adds `row`; `caption` is the best kept caption, null in a row that was left out.
    package func append(_ row: ResultRow) throws(TableError) {
        try writer.append([
            .string(row.key), .string(row.url), cell(row.captions.first?.text), .string(row.status),
            cell(row.errorMessage), cell(row.width), cell(row.height), cell(row.originalWidth),
            cell(row.originalHeight), cell(row.sha256), cell(row.httpStatus), cell(row.finalURL), cell(row.sourceID),
            .string(row.webCaption), .strings(row.captions.map(\.text)), .doubles(row.captions.map(\.score)),
            .strings(row.captions.map(\.origin.rawValue)), .strings(row.candidates.map(\.text)),
            .doubles(row.candidates.map(\.score)), .strings(row.candidates.map(\.origin.rawValue)),
            cell(row.perceptualHash.map(hexadecimal)),
        ])
    }

    /// Ends the file and waits until it is on the disk.
    package func finish() throws(TableError) { try writer.finish() }

    private func cell(_ text: String?) -> Cell { text.map { .string($0) } ?? .null }
    private func cell(_ number: Int?) -> Cell { number.map { .int($0) } ?? .null }
}

/// Gives every row of the table `file` to `visit`, in order.
///
/// - Throws: A `TableError` where the file is damaged or no table of a shard, and what `visit` throws.
package func readResultTable(_ file: any ByteRanges, visit: (ResultRow) throws -> Void) throws {
    let reader = try TableReader(file)
    // The last column is younger than some tables.
    let hasLooks = reader.columns.contains("perceptual_hash")
    let names = columns.map(\.name).dropLast(hasLooks ? 0 : 1)
    for group in 0..<reader.rowGroupCount {
        try reader.rows(ofGroup: group, columns: Array(names)) { _, cells in
            var row = ResultRow(
                key: try cells.string(0) ?? "", url: try cells.string(1) ?? "", status: try cells.string(3) ?? "",
                webCaption: try cells.string(13) ?? "")
            row.errorMessage = try cells.string(4)
            row.width = try cells.int(5)
            row.height = try cells.int(6)
            row.originalWidth = try cells.int(7)
            row.originalHeight = try cells.int(8)
            row.sha256 = try cells.string(9)
            row.httpStatus = try cells.int(10)
            row.finalURL = try cells.string(11)
            row.sourceID = try cells.string(12)
            row.captions = try scored(cells, 14, file.name)
            row.candidates = try scored(cells, 17, file.name)
            if hasLooks { row.perceptualHash = try cells.string(20).flatMap { UInt64($0, radix: 16) } }
            try visit(row)
        }
    }
}

/// The captions in three parallel lists, of which `column` is the first.
private func scored(_ cells: TableRow, _ column: Int, _ path: String) throws(TableError) -> [ScoredCaption] {
    let texts = try cells.strings(column) ?? []
    let scores = try cells.doubles(column + 1) ?? []
    let origins = try cells.strings(column + 2) ?? []
    guard texts.count == scores.count, texts.count == origins.count else {
        throw TableError(path, "lists of captions, scores and origins of different lengths")
    }
    var captions: [ScoredCaption] = []
    for (index, text) in texts.enumerated() {
        guard let origin = CaptionOrigin(rawValue: origins[index]) else {
            throw TableError(path, "\(origins[index]) is not an origin of a caption")
        }
        captions.append(ScoredCaption(text: text, score: scores[index], origin: origin))
    }
    return captions
}

/// `value` as 16 hexadecimal digits.
private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
