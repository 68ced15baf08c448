import Databases
import Samples

// A unit that is being published keeps what it will become, so that whoever comes after a crash can finish it.
extension SQLTransaction {
    func beginPublish(
        _ lease: Lease, _ result: UnitResult, owning: Bool
    ) throws(CoordinationError) -> PublishStart {
        try sql {
            guard let key = key(lease) else { return .stale }
            // Nearly always this is all.
            if result.hasCounts, let row = try begin(result, key, owning: owning) {
                return .begun(try sources.workUnit(row))
            }
            let unitKey = Array(key.prefix(3))
            let isUnit = "source = $2 AND number = $3"
            guard let row = try session.query(unitQuery(isUnit) + session.forUpdate, unitKey).first else {
                return .stale
            }
            switch try row.text("state") {
            case "published":
                let shard = shardQuery("shard.source = $2 AND shard.number = $3")
                guard let published = try session.query(shard, unitKey).first.map(sources.published) else {
                    return .stale
                }
                return published.generation == lease.generation && published.result == result ? .published : .stale
            case "publishing":
                guard try sources.lease(row) == lease, try unitResult(row.text("publishing")) == result else {
                    return .stale
                }
                if owning {
                    try session.execute(
                        "UPDATE unit SET owned = 1 WHERE build = $1 AND source = $2 AND number = $3", unitKey)
                }
                return .begun(try sources.workUnit(row))
            case "leased":
                guard try sources.lease(row) == lease else { return .stale }
                let unit = try sources.workUnit(row)
                if let fault = result.fault(for: unit) { return .badResult(unit, fault) }
                return try begin(result, key, owning: owning) == nil ? .stale : .begun(unit)
            default: return .stale
            }
        }
    }

    /// Begins to publish the leased unit of `key`; nil where it is not leased, or has another number of rows.
    private func begin(_ result: UnitResult, _ key: [SQLValue], owning: Bool) throws -> SQLRow? {
        try session.query(
            """
            UPDATE unit SET state = 'publishing', publishing = $7, expires = $8\(owning ? ", owned = 1" : "")
            WHERE \(Self.isHolder) AND \(Self.isIn("leased")) AND row_count = $9
            RETURNING \(unitColumns)
            """, key + [.text(try storedText(result)), expiry, .integer(result.rows)]
        ).first
    }

    func commitPublish(
        _ lease: Lease, _ result: UnitResult, asDraft isDraft: Bool
    ) throws(CoordinationError) -> LeaseStanding {
        try sql {
            guard let key = key(lease) else { return .stale }
            let unitKey = Array(key.prefix(3))
            let published = try session.execute(
                "UPDATE unit SET state = 'published', \(Self.freed) WHERE \(Self.isHolder) AND \(Self.isIn("publishing"))",
                key)
            guard published == 1 else {
                let shard = "SELECT generation FROM shard WHERE build = $1 AND source = $2 AND number = $3"
                return try session.query(shard, unitKey).first?.integer("generation") == lease.generation
                    ? .accepted : .stale
            }
            try session.execute(
                "INSERT INTO shard (build, source, number, generation, result, is_draft) VALUES ($1, $2, $3, $4, $5, $6)",
                unitKey + [.integer(lease.generation), .text(try storedText(result)), .flag(isDraft)])
            sums[lease.unit.source, default: SourceSums()].add(result, 1, isDraft: isDraft)
            return .accepted
        }
    }

    func abandonPublish(_ lease: Lease, _ end: PublishEnd) throws(CoordinationError) -> CountedFailure? {
        let isPublishing = "\(Self.isHolder) AND \(Self.isIn("publishing"))"
        switch end {
        case .waits: _ = try change(lease, "UPDATE unit SET state = 'waiting', \(Self.freed) WHERE \(isPublishing)")
        case .fails(let message): return try sql { try count(lease, message, in: "publishing") }
        }
        return nil
    }

    func unfinishedPublications(expired: Bool) throws(CoordinationError) -> [Publication] {
        try sql {
            let isDue = expired ? "AND expires <= $2" : ""
            let arguments: [SQLValue] = [.text(sources.build.text)] + (expired ? [.integer(now)] : [])
            let query = unitQuery("state = 'publishing' \(isDue) ORDER BY source, number")
            return try session.query(query, arguments).map { row in
                Publication(
                    unit: try sources.workUnit(row), lease: try sources.lease(row),
                    result: try unitResult(row.text("publishing")))
            }
        }
    }
}
