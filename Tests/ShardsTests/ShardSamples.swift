import Foundation
import RandomNumbers
import Samples
import Shards
import TestSupport

/// A sample made of its number alone.
func sample(_ row: Int, imageByteCount: Int, text: String = "a small red circle") -> ShardSample {
    var random = SplitMix64(seed: UInt64(row))
    let image = (0..<imageByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    let kept = [
        ScoredCaption(text: text, score: 0.25, origin: .blip),
        ScoredCaption(text: "web \"text\"\n", score: 1, origin: .web),
    ]
    return ShardSample(
        image: image, imageExtension: ["webp", "jpg", "png"][row % 3],
        metadata: SampleMetadata(
            key: SampleID(source: "s", row: row).key, source: "s", sourceID: "id\(row)", url: "http://h/\(row)?a=b&c",
            width: 3, height: 4, originalWidth: 30, originalHeight: 40, sha256: String(repeating: "0", count: 64),
            webCaption: "web \"text\"\n", captions: kept, candidates: kept.reversed()))
}

/// A sample of any size, with any text that Unicode has.
func randomSample(_ row: Int, using random: inout SplitMix64) -> ShardSample {
    func text(_ limit: Int) -> String {
        let scalars = (0..<Int.random(in: 1...limit, using: &random)).map { _ in
            let ranges: [ClosedRange<UInt32>] = [0...0x7f, 0...0x7ff, 0...0xd7ff, 0xe000...0x10_ffff]
            let range = ranges.randomElement(using: &random) ?? 0...0
            return Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "?"
        }
        return String(String.UnicodeScalarView(scalars))
    }
    func captions() -> [ScoredCaption] {
        (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let magnitude: Double = [1, 1e-3, 1e-7, 1e18].randomElement(using: &random) ?? 1
            return ScoredCaption(
                text: text(40), score: Double.random(in: -1...1, using: &random) * magnitude,
                origin: CaptionOrigin.allCases.randomElement(using: &random) ?? .blip)
        }
    }
    let image = (0..<Int.random(in: 0...3000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    return ShardSample(
        image: image, imageExtension: ["webp", "jpg", "png"].randomElement(using: &random) ?? "jpg",
        metadata: SampleMetadata(
            key: SampleID(source: "s", row: row).key, source: "s", sourceID: text(5), url: text(100),
            width: .random(in: 1...9999, using: &random), height: .random(in: 1...9999, using: &random),
            originalWidth: .random(in: 1...99999, using: &random), originalHeight: 1, sha256: "", webCaption: text(20),
            captions: captions(), candidates: Bool.random(using: &random) ? captions() : []))
}

@discardableResult
func write(_ samples: [ShardSample], to path: String, level: Int = 3) throws -> ShardSummary {
    let writer = try ShardWriter(path: path, level: level)
    for sample in samples { try writer.append(sample) }
    return try writer.finish()
}

func readAll(_ path: String) throws -> [ShardSample] {
    let reader = try ShardReader(path: path)
    var samples: [ShardSample] = []
    while let sample = try reader.next() { samples.append(sample) }
    return samples
}

func bytes(of path: String) throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }

/// Gives `body` an empty folder, and removes it.
func inFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = try Project.temporaryFolder("shard")
    defer { try? FileManager.default.removeItem(atPath: folder) }  // left behind, it is in the system's way only
    return try body(folder)
}
