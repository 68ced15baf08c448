import Digests
import Foundation
import Images
import Samples
import Shards
import Storage
import Tables
import TestSupport

/// A small published output in a folder of a test: `shards` shards of four rows, of which the last is left out.
struct PublishedOutput {
    let directory: OutputDirectory
    let names: [String]

    init(shards count: Int, hasTableDigests: Bool = true) throws {
        directory = OutputDirectory(try Project.temporaryFolder("published"))
        try directory.create()
        var shards: [DatasetDescription.Shard] = []
        for number in 0..<count {
            let unit = WorkUnit(
                source: "s", index: number, firstRow: number * 4, rowCount: 4,
                start: InputPosition(file: 0, offset: 0))
            shards.append(try Self.write(unit, in: directory, hasTableDigests: hasTableDigests))
        }
        names = shards.map(\.name)
        let description = DatasetDescription(
            name: "s", manifestDigest: "", modelDigests: [:], softwareVersion: "", complete: true, totals: .init(),
            shards: shards)
        try directory.write(description.json(), to: "dataset.json")
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory.root) }

    private static func write(
        _ unit: WorkUnit, in directory: OutputDirectory, hasTableDigests: Bool
    ) throws -> DatasetDescription.Shard {
        let shard = try ShardWriter(path: directory.shardPath(unit.shardName), level: 1)
        let table = try ResultTableWriter(path: directory.tablePath(unit.shardName))
        for row in unit.firstRow..<unit.firstRow + 3 {
            let caption = ScoredCaption(text: "caption of \(row)", score: 0.5, origin: .web)
            let key = SampleID(source: unit.source, row: row).key
            try shard.append(
                ShardSample(
                    image: encodePNG(PixelImage(width: 2, height: 1, rgb: [UInt8](repeating: UInt8(row), count: 6))),
                    imageExtension: "png",
                    metadata: SampleMetadata(
                        key: key, source: unit.source, url: "u", width: 2, height: 1, originalWidth: 2,
                        originalHeight: 1, sha256: "", webCaption: "web", captions: [caption])))
            var kept = ResultRow(key: key, url: "u", status: ResultRow.success, webCaption: "web")
            (kept.width, kept.height, kept.captions, kept.candidates) = (2, 1, [caption], [caption])
            try table.append(kept)
        }
        let last = SampleID(source: unit.source, row: unit.firstRow + 3).key
        try table.append(ResultRow(key: last, url: "u", status: "timeout", webCaption: "web"))
        let summary = try shard.finish()
        try table.finish()
        let (tableDigest, tableByteCount) = try digest(ofFile: directory.tablePath(unit.shardName))
        return DatasetDescription.Shard(
            name: unit.shardName, source: unit.source, samples: summary.samples, bytes: summary.byteCount,
            sha256: summary.sha256.hex, tableBytes: hasTableDigests ? tableByteCount : nil,
            tableSHA256: hasTableDigests ? tableDigest.hex : nil)
    }
}
