import ArgumentParser
import Commands
import Digests
import Foundation
import Images
import Logging
import Manifests
import Reports
import Samples
import Shards
import Storage
import Tables

/// Reads every shard again and names what is damaged.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check checksums, index, members, images and table of every shard. Exits with 1 if one is damaged.",
        discussion: """
            EXAMPLE:
              pipeline verify out/cc3m
            """)

    @Argument(help: "The output directory.") var output: String
    @Flag(help: "Write JSON.") var json = false
    @OptionGroup var logs: LogOptions

    private struct Output: Encodable {
        var shards = 0
        var samples = 0
        var rows = 0
        /// Tables of which an older version recorded no digest.
        var uncheckedTables = 0
        var damaged: [String] = []
        /// Shards under `shards/` that the data set does not name: not its own, or not described yet.
        var others: [String] = []

        private enum CodingKeys: String, CodingKey {
            case shards, samples, rows, damaged, others
            case uncheckedTables = "unchecked_tables"
        }
    }

    func run() async throws {
        let directory = OutputDirectory(expandingHome(output))
        let description: DatasetDescription
        do {
            description = try directory.readDescription()
        } catch {
            throw CommandError(.badInput, "\(error)")
        }
        var result = Output()
        for shard in description.shards {
            try Task.checkCancellation()
            result.shards += 1
            result.uncheckedTables += shard.tableSHA256 == nil ? 1 : 0
            do {
                let rows = try verify(shard, in: directory)
                result.samples += shard.samples
                result.rows += rows
            } catch {
                result.damaged.append("\(error)")
                if !json { printError("\(error)") }
            }
        }
        result.others = others(description, directory)
        if !json {
            for path in result.others {
                StandardError.line("\(path): not in dataset.json, so not checked", level: .notice)
            }
        }
        if result.uncheckedTables > 0, !json {
            StandardError.line(
                "\(directory.descriptionPath): of an older version, with no digests of tables: only their rows were "
                    + "compared; pipeline build adds the digests", level: .warning)
        }
        try printResult(
            json
                ? jsonText(result)
                : "\(Figures.counted(result.shards, "shard")), \(Figures.grouped(result.samples)) samples, "
                    + "\(Figures.grouped(result.rows)) rows, \(Figures.grouped(result.damaged.count)) damaged")
        if !result.damaged.isEmpty { throw ExitCode(CommandError.Code.failedWork.rawValue) }
    }

    /// Checks one shard with its table; gives the table's rows.
    private func verify(_ shard: DatasetDescription.Shard, in directory: OutputDirectory) throws -> Int {
        let path = directory.shardPath(shard.name)
        var keys: [String] = []
        let summary = try verifyShard(path) { sample throws(ShardError) in
            keys.append(sample.key)
            if let fault = fault(of: sample) { throw ShardError(sample: sample.key, in: path, fault) }
        }
        guard summary.sha256.hex == shard.sha256, summary.byteCount == shard.bytes, summary.samples == shard.samples
        else { throw CommandError(.failedWork, "\(path): another file than the one that was published") }
        let table = directory.tablePath(shard.name)
        if let tableDigest = shard.tableSHA256 {
            let found: (digest: ContentDigest, byteCount: Int)
            do {
                found = try digest(ofFile: table)
            } catch {
                throw CommandError(.failedWork, "\(table): unreadable: \(error.localizedDescription)")
            }
            guard found.digest.hex == tableDigest, shard.tableBytes.map({ $0 == found.byteCount }) ?? true else {
                throw CommandError(.failedWork, "\(table): another file than the one that was published")
            }
        }
        var (rows, kept) = (0, [String]())
        try readResultTable(table) { row in
            rows += 1
            if row.status == ResultRow.success { kept.append(row.key) }
        }
        guard kept == keys else {
            throw CommandError(.failedWork, "\(table): its rows are not the shard's samples")
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

    /// Shards whose files lie there and that the description does not name.
    private func others(_ description: DatasetDescription, _ directory: OutputDirectory) -> [String] {
        let published = Set(description.shards.map(\.name))
        return directory.shardNames().filter { !published.contains($0) }.map(directory.shardPath)
    }
}
