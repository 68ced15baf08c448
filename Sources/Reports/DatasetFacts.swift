package import Samples

/// What `dataset.json` says of a data set: the input of the report's frame, the card and the Croissant description.
package struct DatasetFacts: Sendable {
    /// A model that had a part in the data set.
    package struct Model: Sendable {
        /// `captioner` or `ranker`.
        package let role: String
        /// The hub's id or a directory.
        package let name: String
        /// The digest of its files.
        package let digest: String

        /// A model in a role.
        package init(role: String, name: String, digest: String) {
            self.role = role
            self.name = name
            self.digest = digest
        }
    }

    /// A source, whole.
    package struct Source: Sendable {
        /// The manifest's name of it.
        package let name: String
        /// Its format, such as `cc3m`.
        package let format: String
        /// Input rows that are done.
        package let rows: Int
        /// How many became samples.
        package let samples: Int
        /// How many were left out, by reason.
        package let rejections: [Rejection.Reason: Int]

        /// The counts of one source.
        package init(name: String, format: String, rows: Int, samples: Int, rejections: [Rejection.Reason: Int]) {
            self.name = name
            self.format = format
            self.rows = rows
            self.samples = samples
            self.rejections = rejections
        }
    }

    /// A published shard.
    package struct Shard: Sendable {
        /// The name without ending, such as `cc3m-000000`.
        package let name: String
        /// The source it was made from.
        package let source: String
        /// How many samples it holds.
        package let samples: Int
        /// The size of the `.tar.zst`.
        package let byteCount: Int
        /// The SHA-256 of the `.tar.zst`.
        package let digest: ContentDigest
        /// The size and SHA-256 of the `.parquet` beside it, where they are known.
        package let table: (byteCount: Int, digest: ContentDigest)?

        /// A shard and the table beside it.
        package init(
            name: String, source: String, samples: Int, byteCount: Int, digest: ContentDigest,
            table: (byteCount: Int, digest: ContentDigest)? = nil
        ) {
            self.name = name
            self.source = source
            self.samples = samples
            self.byteCount = byteCount
            self.digest = digest
            self.table = table
        }
    }

    /// The manifest's name of the data set.
    package let name: String
    /// What a reader must know before believing the figures; shown first.
    package let notice: String?
    /// The digest of the manifest.
    package let manifestDigest: String
    /// The version of the software that made it.
    package let softwareVersion: String
    /// The ending of the images' names: `jpg`, `webp` or `png`.
    package let imageExtension: String
    /// The models that took part, none where the captions are people's.
    package let models: [Model]
    /// The sources, in the manifest's order.
    package let sources: [Source]
    /// The published shards, in order; where only some are given, `shardCount` and `byteCount` are those of all.
    package let shards: [Shard]
    /// What the ranker's scores are, as a sentence.
    package let scoreNote: String
    /// How many shards there are.
    let shardCount: Int
    /// The size of all shards, tables not counted.
    let byteCount: Int

    /// What CLIP's scores are, and a phase-1 model's by default.
    package static let cosineNote = "Cosine similarity of image and caption by the ranker."

    /// The facts of one data set.
    package init(
        name: String, notice: String? = nil, manifestDigest: String, softwareVersion: String,
        imageExtension: String = "jpg", models: [Model], sources: [Source], shards: [Shard],
        scoreNote: String = DatasetFacts.cosineNote, all: (shards: Int, bytes: Int)? = nil
    ) {
        self.name = name
        self.notice = notice
        self.manifestDigest = manifestDigest
        self.softwareVersion = softwareVersion
        self.imageExtension = imageExtension
        self.models = models
        self.sources = sources
        self.shards = shards
        self.scoreNote = scoreNote
        shardCount = all?.shards ?? shards.count
        byteCount = all?.bytes ?? shards.reduce(0) { $0 + $1.byteCount }
    }

    var rowCount: Int { sources.reduce(0) { $0 + $1.rows } }
    var sampleCount: Int { sources.reduce(0) { $0 + $1.samples } }
    var rejections: [Rejection.Reason: Int] {
        sources.reduce(into: [:]) { $0.merge($1.rejections, uniquingKeysWith: +) }
    }
    var isCaptioned: Bool { models.contains { $0.role == "captioner" } }
}

extension [Rejection.Reason: Int] {
    /// Most frequent first, equal ones by name.
    var ordered: [(reason: Rejection.Reason, count: Int)] {
        filter { $0.value > 0 }.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
            .map { ($0.key, $0.value) }
    }

    var total: Int { values.reduce(0, +) }
}
