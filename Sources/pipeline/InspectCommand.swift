import ArgumentParser
import Commands
import Foundation
import Samples
import Shards

/// Shows what a shard holds.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a shard holds, or all about one of its samples.",
        discussion: """
            EXAMPLES:
              pipeline inspect out/cc3m/shards/cc3m-000000.tar.zst
              pipeline inspect out/cc3m/shards/cc3m-000000.tar.zst --sample cc3m-000000000007 --image 7.jpg
            """)

    @Argument(help: "The shard, a .tar.zst file.") var shard: String
    @Option(help: ArgumentHelp("Show this sample alone.", valueName: "key")) var sample: String?
    @Option(help: ArgumentHelp("Write the sample's image to this file.", valueName: "file")) var image: String?
    @Option(help: "How many samples to list.") var limit = 20
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    func validate() throws {
        guard image == nil || sample != nil else { throw ValidationError("--image: give --sample with it") }
        guard limit >= 0 else { throw ValidationError("--limit: want 0 or more, not \(limit)") }
    }

    func run() async throws {
        do {
            if let sample { try showSample(sample) } else { try showShard() }
        } catch let error as ShardError {
            throw CommandError(.badInput, "\(error)")
        }
    }

    private func showSample(_ key: String) throws {
        guard let sample = try ShardReader.sample(key, in: shard) else {
            throw CommandError(.badInput, "\(shard): no sample \(key); pipeline inspect lists those that are there")
        }
        if let image {
            do {
                try Data(sample.image).write(to: URL(fileURLWithPath: image), options: .atomic)
            } catch {
                throw CommandError(.badInput, "\(image): cannot be written: \(error.localizedDescription)")
            }
        }
        if json { return print(try jsonText(sample.metadata)) }
        let meta = sample.metadata
        print("\(meta.key)  \(meta.width)x\(meta.height) \(sample.imageExtension), \(sample.image.count) bytes")
        print("url         \(shown(meta.url))")
        print("fetched     \(meta.originalWidth)x\(meta.originalHeight), sha256 \(meta.sha256)")
        print("web caption \(shown(meta.webCaption))")
        for candidate in meta.candidates {
            let mark = meta.captions.contains(candidate) ? "*" : " "
            let score = String(format: "%+.4f", candidate.score)
            print("\(mark) \(score) \(aligned([[candidate.origin.rawValue, "    "]]))  \(shown(candidate.text))")
        }
    }

    private func showShard() throws {
        let index = try ShardIndex(path: shard)
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
            return print(
                try jsonText(Listing(samples: index.places.count, tarBytes: index.tarByteCount, keys: keys)))
        }
        print("\(index.places.count) samples, \(grouped(index.tarByteCount)) bytes of tar")
        let reader = try ShardReader(path: shard)
        var table = [["key", "image", "caption"]]
        while table.count <= limit, let sample = try reader.next() {
            let meta = sample.metadata
            table.append([meta.key, "\(meta.width)x\(meta.height)", shown(meta.captions.first?.text ?? "")])
        }
        if table.count > 1 { print(aligned(table)) }
        if index.places.count > limit { print("… and \(grouped(index.places.count - limit)) more") }
    }
}

/// `text` without what a terminal would obey: control characters and the marks that turn the direction of text.
private func shown(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: "\u{fffd}"
                default: scalar
                }
            }))
}
