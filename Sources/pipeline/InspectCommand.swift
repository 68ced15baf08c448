import ArgumentParser
import Commands
import Digests
import Files
import Foundation
import Manifests
import Reports
import Samples
import Shards
import Storage

/// Shows what a shard holds.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what is in a shard, or the details of one sample.",
        discussion: """
            EXAMPLES:
              pipeline inspect out/cc3m/shards/cc3m-000000.tar.zst
              pipeline inspect out/cc3m/shards/cc3m-000000.tar.zst --sample cc3m-000000000007 --image 7.jpg
            """)

    @Argument(help: "The shard, a .tar.zst file.") var shard: String
    @Option(help: ArgumentHelp("Show only this sample.", valueName: "key")) var sample: String?
    @Option(help: ArgumentHelp("Write the sample's image to this file.", valueName: "file")) var image: String?
    @Option(help: "Number of samples to list.") var limit = 20
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard image == nil || sample != nil else { throw ValidationError("--image: give --sample with it") }
        guard limit >= 0 else { throw ValidationError("--limit: want 0 or more, not \(limit)") }
    }

    func run() async throws {
        do {
            let file = try openObject(at: expandingHome(shard))
            if let sample { try showSample(sample, of: file) } else { try showShard(file) }
        } catch let error as ShardError {
            throw CommandError(.badInput, "\(error)")
        } catch let error as StorageError {
            throw CommandError(.badInput, "\(error)")
        } catch let error as UnreadableBytes {
            throw CommandError(.badInput, "\(error)")
        }
    }

    private func showSample(_ key: String, of file: any ByteRanges) throws {
        guard let sample = try ShardReader.sample(key, in: file) else {
            throw CommandError(.badInput, "\(shard): no sample \(key); pipeline inspect lists those that are there")
        }
        if let image { try write(sample.image, to: image) }
        if json { return try printResult(jsonText(sample.metadata)) }
        try printResult(view(sample).text(), terminator: "")
    }

    private func showShard(_ file: any ByteRanges) throws {
        let index = try ShardIndex(file)
        struct Listing: Encodable {
            struct Sample: Encodable {
                let key: String
                let offset: Int
                let length: Int
            }
            let samples: Int
            let tarBytes: Int
            let keys: [Sample]
        }
        let places = index.places.prefix(json ? .max : limit)
        if json {
            let keys = places.map { Listing.Sample(key: $0.key, offset: $0.offset, length: $0.length) }
            return try printResult(
                jsonText(Listing(samples: index.places.count, tarBytes: index.tarByteCount, keys: keys)))
        }
        let reader = try ShardReader(file)
        var samples: [InspectView.Sample] = []
        while samples.count < limit, let sample = try reader.next() { samples.append(view(sample)) }
        let name = URL(fileURLWithPath: shard).lastPathComponent
        let facts = DatasetFacts.Shard(
            name: name, source: ShardName(name.prefix { $0 != "." })?.source ?? "", samples: index.places.count,
            byteCount: file.byteCount, digest: try digest(of: file), table: nil)
        try printResult(InspectView(facts, samples: samples).text(), terminator: "")
    }

    private func view(_ sample: ShardSample) -> InspectView.Sample {
        let meta = sample.metadata
        return InspectView.Sample(
            key: meta.key, url: meta.url, webCaption: meta.webCaption, byteCount: sample.image.count,
            image: ReportRow.Sample(
                width: meta.width, height: meta.height, originalWidth: meta.originalWidth,
                originalHeight: meta.originalHeight, kept: meta.captions, candidates: meta.candidates))
    }
}

/// Writes a result to the file `path`, which a reader sees whole or not at all.
func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
    do {
        try writeFile(bytes, to: path)
    } catch {
        throw CommandError(.badInput, "\(path): cannot be written: \(error.reason)")
    }
}
