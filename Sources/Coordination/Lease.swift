package import Samples

/// The right of one worker to work on one unit.
///
/// The four values together are the proof of that right: a worker hands them back with whatever it asks for.
package struct Lease: Hashable, Sendable, Codable {
    package let unit: UnitID
    /// The name of the worker that holds it.
    package let worker: String
    /// Which process of that name: drawn by each one when it starts.
    package let incarnation: String
    /// Grows with every grant of the unit; whatever comes under an older one is refused.
    package let generation: Int

    package init(unit: UnitID, worker: String, incarnation: String, generation: Int) {
        self.unit = unit
        self.worker = worker
        self.incarnation = incarnation
        self.generation = generation
    }
}

/// A worker's request for units.
package struct LeaseRequest: Hashable, Sendable {
    package let worker: String
    /// Which process of that name.
    package let incarnation: String
    /// New for each request, the same when it is repeated because the answer was lost.
    package let name: String
    /// The most units that are wanted, at least 1.
    package let limit: Int

    package init(worker: String, incarnation: String, name: String, limit: Int = 1) {
        precondition(limit > 0, "a request wants at least one unit")
        self.worker = worker
        self.incarnation = incarnation
        self.name = name
        self.limit = limit
    }
}

/// A lease with what a worker needs to start.
package struct LeaseGrant: Hashable, Sendable {
    package let lease: Lease
    package let unit: WorkUnit
    /// How long the lease is good for without a renewal.
    package let duration: Duration
    /// The rows of the unit on which workers crashed, in order: they are left out.
    package var crashedRows: [CrashedRow]

    package init(lease: Lease, unit: WorkUnit, duration: Duration, crashedRows: [CrashedRow] = []) {
        self.lease = lease
        self.unit = unit
        self.duration = duration
        self.crashedRows = crashedRows
    }
}

/// What a worker is told when it asks for work.
package enum LeaseAnswer: Hashable, Sendable {
    /// At least one unit.
    case granted([LeaseGrant])
    /// Nothing is free now, but what others hold may come back: ask again after this time.
    case wait(Duration)
    /// Nothing is left to do: every unit is published, but for those that failed for good.
    case done(failedUnits: Int)
    /// A later process of the same name has asked for work: this one holds nothing any more and ends.
    case replaced
}

/// What becomes of a message that was sent under a lease.
package enum LeaseStanding: String, Hashable, Sendable, Codable {
    /// The lease held, and the message took effect.
    case accepted
    /// The unit was given to another, or is finished: drop the work.
    case stale
}

/// What a worker made of a unit: the shard's files lie in scratch, whole and synced.
package struct UnitResult: Hashable, Sendable, Codable {
    /// How many rows were kept.
    package let samples: Int
    /// The size of the shard.
    package let byteCount: Int
    /// The digest of the shard.
    package let digest: ContentDigest
    /// The size of the table beside it.
    package let tableByteCount: Int
    /// The digest of the table beside it.
    package let tableDigest: ContentDigest
    /// Rows left out, by the raw value of their reason; reasons without rows are absent.
    package let rejections: [String: Int]
    /// Where the worker has put both until they are published; nil for where its lease alone says that they are.
    package let made: MadeObjects?

    /// Names of objects in the store of the output.
    package struct MadeObjects: Hashable, Sendable, Codable {
        package let shard: String
        package let table: String

        package init(shard: String, table: String) { (self.shard, self.table) = (shard, table) }
    }

    package init(
        samples: Int, byteCount: Int, digest: ContentDigest, tableByteCount: Int, tableDigest: ContentDigest,
        rejections: [String: Int], made: MadeObjects? = nil
    ) {
        self.samples = samples
        self.byteCount = byteCount
        self.digest = digest
        self.tableByteCount = tableByteCount
        self.tableDigest = tableDigest
        self.rejections = rejections
        self.made = made
    }

    /// Every row that the result accounts for.
    package var rows: Int { samples + rejections.values.reduce(0, +) }

    /// Why this cannot be the result of `unit`; nil when it can.
    func fault(for unit: WorkUnit) -> String? {
        if rows != unit.rowCount { return "accounts for \(rows) rows of \(unit.rowCount)" }
        return faultOfCounts
    }

    /// Whether it can be the result of a unit of as many rows.
    var hasCounts: Bool { faultOfCounts == nil }

    private var faultOfCounts: String? {
        if samples < 0 || rejections.values.contains(where: { $0 < 1 }) { return "counts that are no counts" }
        if let reason = rejections.keys.sorted().first(where: { Rejection.Reason(rawValue: $0) == nil }) {
            return "unknown reason \(reason)"
        }
        return nil
    }
}
