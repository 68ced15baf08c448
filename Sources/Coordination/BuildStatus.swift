package import Foundation
package import Samples

/// How far a build is, at one moment.
package struct BuildStatus: Hashable, Sendable, Codable {
    /// What the build is doing as a whole.
    package enum Phase: String, Hashable, Sendable, Codable, CaseIterable {
        /// The sources are being cut into units, or were when the build was killed.
        case planning
        /// Units wait or are worked on, or did when the build was killed.
        case running
        /// Every unit is done; shards are published once it is known which of their samples are kept.
        case deduplicating
        /// Every unit is published.
        case finished
        /// Nothing is left to do, but some units failed for good.
        case failed

        /// The phase of a build whose plan is whole or not, with the units that `total` counts.
        init(isPlanned: Bool, _ total: SourceStatus) {
            let open = total.units - total.publishedUnits - total.failedUnits
            self =
                if !isPlanned {
                    .planning
                } else if open > 0 {
                    .running
                } else if total.failedUnits > 0 {
                    .failed
                } else {
                    total.draftUnits > 0 ? .deduplicating : .finished
                }
        }
    }

    package var build: BuildID
    package var phase: Phase
    package var manifestDigest: ContentDigest
    package var softwareVersion: String
    /// When the build was begun.
    package var created: Date
    /// In the order of the manifest.
    package var sources: [SourceStatus]
    /// The first of the units that failed for good; `SourceStatus.failedUnits` counts them all.
    package var failedUnits: [FailedUnit]
    /// By name.
    package var workers: [WorkerSighting]

    package init(
        build: BuildID, phase: Phase, manifestDigest: ContentDigest, softwareVersion: String, created: Date,
        sources: [SourceStatus], failedUnits: [FailedUnit], workers: [WorkerSighting]
    ) {
        self.build = build
        self.phase = phase
        self.manifestDigest = manifestDigest
        self.softwareVersion = softwareVersion
        self.created = created
        self.sources = sources
        self.failedUnits = failedUnits
        self.workers = workers
    }

    /// The most failed units that a status names.
    package static let failedUnitLimit = 100

    /// All sources together, under the name `total`.
    package var total: SourceStatus { sources.total }

    /// Rows a second of all workers; 0 while nobody works.
    package var rowsPerSecond: Double { workers.reduce(0) { $0 + $1.rowsPerSecond } }
}

/// How far one source is.
package struct SourceStatus: Hashable, Sendable, Codable {
    package var name: String
    package var units = 0
    package var publishedUnits = 0
    /// Of these, those whose shard is a draft: counted as it stands, and not under `shards/` yet.
    package var draftUnits = 0
    package var failedUnits = 0
    /// Units that a worker holds.
    package var leasedUnits = 0
    package var rows = 0
    /// Rows of published units.
    package var publishedRows = 0
    /// Rows done in units that are being worked on.
    package var rowsInFlight = 0
    /// Over the last minute; 0 while nobody works.
    package var rowsPerSecond = 0.0
    package var samples = 0
    /// Bytes of the published shards, tables not counted.
    package var byteCount = 0
    /// Rows of published units that were left out, by the raw value of their reason.
    package var rejections: [String: Int] = [:]

    package init(name: String) { self.name = name }

    /// Adds the numbers of `other`.
    mutating func add(_ other: SourceStatus) {
        units += other.units
        publishedUnits += other.publishedUnits
        draftUnits += other.draftUnits
        failedUnits += other.failedUnits
        leasedUnits += other.leasedUnits
        rows += other.rows
        publishedRows += other.publishedRows
        rowsInFlight += other.rowsInFlight
        rowsPerSecond += other.rowsPerSecond
        samples += other.samples
        byteCount += other.byteCount
        rejections.merge(other.rejections, uniquingKeysWith: +)
    }
}

/// What is being done of one source.
package struct SourceProgress: Hashable, Sendable {
    /// Rows done in units that are being worked on.
    package let rowsInFlight: Int
    /// Over the last minute.
    package let rowsPerSecond: Double

    package init(rowsInFlight: Int, rowsPerSecond: Double) {
        self.rowsInFlight = rowsInFlight
        self.rowsPerSecond = rowsPerSecond
    }
}

/// A unit that failed for good.
package struct FailedUnit: Hashable, Sendable, Codable {
    package let unit: WorkUnit
    package let failures: Int
    /// What its last worker said, or what became of that worker.
    package let message: String

    package init(unit: WorkUnit, failures: Int, message: String) {
        self.unit = unit
        self.failures = failures
        self.message = message
    }
}

/// What is known of a worker since it was last heard of.
package struct WorkerSighting: Hashable, Sendable, Codable {
    package var name: String
    /// When it was last heard of.
    package var seen: Date
    /// What it has done since it started.
    package var counts: WorkerCounts
    /// Over the last minute; 0 once it is silent.
    package var rowsPerSecond: Double

    package init(name: String, seen: Date, counts: WorkerCounts, rowsPerSecond: Double) {
        self.name = name
        self.seen = Date(timeIntervalSince1970: seen.timeIntervalSince1970.rounded(.down))
        self.counts = counts
        self.rowsPerSecond = rowsPerSecond
    }
}

/// What a worker has done since it started; numbers that only grow.
package struct WorkerCounts: Hashable, Sendable, Codable {
    /// Rows done, whatever became of them.
    package var rows = 0
    package var samples = 0
    /// Bytes of images that were fetched.
    package var fetchedByteCount = 0
    /// Rows left out, by the raw value of their reason.
    package var rejections: [String: Int] = [:]

    package init() {}
}

/// What a worker tells of itself every few seconds.
package struct WorkerReport: Hashable, Sendable, Codable {
    /// How far a unit is.
    package struct Progress: Hashable, Sendable, Codable {
        package let lease: Lease
        /// Rows done.
        package let rows: Int

        package init(lease: Lease, rows: Int) {
            self.lease = lease
            self.rows = rows
        }
    }

    package let worker: String
    /// The node that it runs on, by the name that the cluster gives it; nil where it does not say.
    package let node: String?
    package let counts: WorkerCounts
    /// The units that it works on.
    package let units: [Progress]
    /// The hosts that it uses, for its share of them; nil where it wants none.
    package var hosts: [HostUse]?

    package init(
        worker: String, node: String? = nil, counts: WorkerCounts, units: [Progress], hosts: [HostUse]? = nil
    ) {
        self.hosts = hosts
        self.worker = worker
        self.node = node
        self.counts = counts
        self.units = units
    }
}

/// The one way in which coordination writes JSON: keys in snake case and in order, times as in ISO 8601.
package func encodeJSON(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
}

/// Reads what `encodeJSON` wrote.
package func decodeJSON<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(type, from: data)
}

extension [SourceStatus] {
    /// All together, under the name `total`.
    var total: SourceStatus { reduce(into: SourceStatus(name: "total")) { $0.add($1) } }
}
