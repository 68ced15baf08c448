/// What the objects of a data set are called: names only, the same in every store; docs/FORMAT.md says what they hold.
///
/// What is under `shards/` is published and whole. Everything under `.state/` is the build's.
package enum DatasetLayout {
    // 1. What readers look for.
    package static let description: ObjectKey = "dataset.json"
    package static let card: ObjectKey = "README.md"
    package static let manifest: ObjectKey = "manifest.yaml"
    package static let croissant: ObjectKey = "croissant.json"
    /// Where open_clip looks for the number of samples in each shard.
    package static let sizes: ObjectKey = "shards/sizes.json"

    /// The folder of the published shards.
    package static let shardFolder = "shards"
    package static let shardEnding = ".tar.zst"
    package static let tableEnding = ".parquet"

    /// The published shard `name`, such as `cc3m-000007`.
    package static func shard(_ name: String) -> ObjectKey { key(shardFolder, name, shardEnding) }
    /// The table beside the shard `name`.
    package static func table(_ name: String) -> ObjectKey { key(shardFolder, name, tableEnding) }

    /// The name of the shard that the object `key` is; nil where it is none.
    package static func shardName(of key: ObjectKey) -> String? {
        guard key.text.hasPrefix(shardFolder + "/"), key.text.hasSuffix(shardEnding) else { return nil }
        let name = key.text.dropFirst(shardFolder.count + 1).dropLast(shardEnding.count)
        return name.contains("/") ? nil : String(name)
    }

    /// Whether a shard can be called `name`: not every `dataset.json` is the pipeline's own.
    package static func isShardName(_ name: String) -> Bool {
        !name.contains("/") && ObjectKey("\(shardFolder)/\(name)\(tableEnding)") != nil
    }

    // 2. What waits to be published.
    /// Where shards wait, whole and recorded, until it is known which of their samples are kept.
    package static let draftFolder = ".state/drafts"
    package static func draftShard(_ name: String) -> ObjectKey { key(draftFolder, name, shardEnding) }
    package static func draftTable(_ name: String) -> ObjectKey { key(draftFolder, name, tableEnding) }

    /// The shard `name` once it is recorded: published, or a draft.
    package static func shard(_ name: String, isDraft: Bool) -> ObjectKey { isDraft ? draftShard(name) : shard(name) }
    /// The table beside it.
    package static func table(_ name: String, isDraft: Bool) -> ObjectKey { isDraft ? draftTable(name) : table(name) }

    /// Where workers put what they have made, and where files are partial.
    package static let scratchFolder = ".state/scratch"
    /// What is written, and removed again, to see whether the disk has room.
    static let probe: ObjectKey = ".state/scratch/probe"
    /// What a worker has made of the shard `name`; `generation` keeps a stale worker's objects apart.
    package static func scratchShard(_ name: String, generation: Int) -> ObjectKey {
        key(scratchFolder, "\(name).\(generation)", shardEnding)
    }
    package static func scratchTable(_ name: String, generation: Int) -> ObjectKey {
        key(scratchFolder, "\(name).\(generation)", tableEnding)
    }

    // 3. What the build remembers.
    package static let stateFolder = ".state"
    /// The id of the build.
    package static let buildID: ObjectKey = ".state/build-id"
    /// The address of the job store, where it is on a server; without a password.
    package static let storeAddress: ObjectKey = ".state/store"
    /// The job store, where it is a file.
    package static let jobStore: ObjectKey = ".state/build.sqlite"
    /// Where digests and hashes are sorted while repeated URLs and images are looked for.
    package static let sortingFolder = scratchFolder + "/duplicates"
    /// The report, where no other file is asked for.
    package static let report: ObjectKey = "report.html"
    /// Where lists from elsewhere are kept.
    package static let inputsFolder = ".state/inputs"
    /// The rows on which workers crashed.
    package static let crashes: ObjectKey = ".state/crashes"
    /// What identifies the lists, remembered.
    package static let fingerprints: ObjectKey = ".state/fingerprints.json"
    /// The digests of the card as it was written last, and of the one before.
    package static let written: ObjectKey = ".state/written.json"
    /// The address of the coordinator, while it runs.
    package static let address: ObjectKey = ".state/coordinator"
    /// What the jobs of a cluster log.
    package static let logFolder = ".state/logs"
    /// The batch scripts that were submitted to a cluster.
    package static let jobFolder = ".state/slurm"
    /// The name under which they were submitted.
    package static let jobName: ObjectKey = ".state/slurm/name"
    /// The secret of the workers.
    package static let token: ObjectKey = ".state/token"
    /// What the workers of one machine share of hosts.
    package static let hosts: ObjectKey = ".state/hosts"
    /// Which rows of a source are duplicates: a bit for each row.
    package static func duplicates(_ source: String) -> ObjectKey { key(stateFolder, "duplicates-\(source)", ".bits") }

    private static func key(_ folder: String, _ name: String, _ ending: String) -> ObjectKey {
        guard let key = ObjectKey("\(folder)/\(name)\(ending)"), !name.contains("/") else {
            preconditionFailure("\(name) is no name of a shard or source: whoever read it has to check")
        }
        return key
    }
}
