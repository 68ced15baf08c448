import Foundation
import Images
import Samples
import Shards
import Storage
import TestSupport

/// A published data set in a new folder, one shard for each number in `counts`, that many samples in it.
struct TestDataset {
    let root: String
    let name: String
    let keys: [String]

    init(_ counts: [Int], name: String = "s", image: (Int) throws -> [UInt8] = testImage) throws {
        root = try Project.temporaryFolder("dataset")
        self.name = name
        let output = OutputDirectory(root)
        try output.create()
        var keys: [String] = []
        var shards: [DatasetDescription.Shard] = []
        for (number, count) in counts.enumerated() {
            let shard = "\(name)-00000\(number)"
            let writer = try ShardWriter(path: output.shardPath(shard), level: 1)
            for row in keys.count..<(keys.count + count) {
                let sample = testSample(row, source: name, image: try image(row))
                try writer.append(sample)
                keys.append(sample.key)
            }
            let summary = try writer.finish()
            shards.append(
                DatasetDescription.Shard(
                    name: shard, source: name, samples: count, bytes: summary.byteCount, sha256: summary.sha256.hex,
                    tableBytes: nil, tableSHA256: nil))
        }
        let description = DatasetDescription(
            name: name, manifestDigest: "", modelDigests: [:], softwareVersion: "", complete: true, totals: .init(),
            shards: shards)
        try output.write(description.json(), to: "dataset.json")
        self.keys = keys
    }

    func shardPath(_ number: Int) -> String { OutputDirectory(root).shardPath("\(name)-00000\(number)") }
    func remove() { try? FileManager.default.removeItem(atPath: root) }
}

/// A picture of 12×8 pixels that tells its row by its colour.
func testImage(_ row: Int) throws -> [UInt8] {
    try encodePNG(PixelImage(width: 12, height: 8, rgb: (0..<288).map { UInt8(($0 * 7 + row * 31) % 256) }))
}

private func testSample(_ row: Int, source: String, image: [UInt8]) -> ShardSample {
    let captions = (0...(row % 3)).map { ScoredCaption(text: "caption \($0) of \(row)", score: 0.5, origin: .blip) }
    return ShardSample(
        image: image, imageExtension: "png",
        metadata: SampleMetadata(
            key: SampleID(source: source, row: row).key, source: source, url: "", width: 12, height: 8,
            originalWidth: 12, originalHeight: 8, sha256: "", webCaption: "web \(row)", captions: captions))
}
