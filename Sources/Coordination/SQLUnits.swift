import Databases
import Foundation
package import Samples

// What became of units, and which files under `shards/` are the build's own.
extension SQLJobStore {
    package func retryFailed() throws(CoordinationError) {
        try write("retry failed units") { session in
            try session.execute(
                "UPDATE unit SET state = 'waiting', failures = 0 WHERE build = $1 AND state = 'failed'",
                [.text(id.text)])
            try session.execute("UPDATE source SET failed_units = 0 WHERE build = $1", [.text(id.text)])
        }
    }

    package func published(unit: UnitID) throws(CoordinationError) -> PublishedUnit? {
        try read("read a shard") { session in
            let sources = try sources(session)
            guard let key = sources.key(unit) else { return nil }
            return try session.query(shardQuery("shard.source = $2 AND shard.number = $3"), key).first.map(
                sources.published)
        }
    }

    package func published(after unit: UnitID?, limit: Int) throws(CoordinationError) -> [PublishedUnit] {
        try read("list shards") { session in
            let sources = try sources(session)
            let query = shardQuery(
                "(shard.source, shard.number) > ($2, $3) ORDER BY shard.source, shard.number LIMIT $4")
            return try session.query(query, sources.cursor(unit) + [.integer(limit)]).map(sources.published)
        }
    }

    package func failed(after unit: UnitID?, limit: Int) throws(CoordinationError) -> [FailedUnit] {
        try read("list failed units") { session in try failedUnits(session, after: unit, limit: limit) }
    }

    func failedUnits(_ session: any SQLSession, after unit: UnitID?, limit: Int) throws -> [FailedUnit] {
        let sources = try sources(session)
        let query = unitQuery("state = 'failed' AND (source, number) > ($2, $3) ORDER BY source, number LIMIT $4")
        return try session.query(query, sources.cursor(unit) + [.integer(limit)]).map(sources.failed)
    }

    package func recordFinal(unit: UnitID, _ result: UnitResult) throws(CoordinationError) {
        try write("record a final shard") { session in
            let draft = try shard(unit, session)
            guard let draft, draft.isDraft, let key = try sources(session).key(unit) else {
                throw CoordinationError(.conflict, "unit \(unit)", "no draft")
            }
            if let fault = result.fault(for: draft.unit) {
                throw CoordinationError(.badResult, draft.unit.shardName, fault)
            }
            let changed = try session.execute(
                """
                UPDATE shard SET result = $4, is_draft = 0
                WHERE build = $1 AND source = $2 AND number = $3 AND is_draft = 1
                """, key + [.text(try storedText(result))])
            guard changed == 1 else { throw CoordinationError(.conflict, "unit \(unit)", "no draft") }
            try session.count(draft.result, -1, isDraft: true, of: key)
            try session.count(result, 1, isDraft: false, of: key)
        }
    }

    package func takeBack(unit: UnitID) throws(CoordinationError) {
        try write("take a shard back") { session in
            guard let lost = try shard(unit, session), let key = try sources(session).key(unit),
                try session.execute("DELETE FROM shard WHERE build = $1 AND source = $2 AND number = $3", key) == 1
            else { throw CoordinationError(.conflict, "unit \(unit)", "not published") }
            try session.execute(
                """
                UPDATE unit SET state = 'waiting', failures = 0, owned = $4
                WHERE build = $1 AND source = $2 AND number = $3
                """, key + [.flag(!lost.isDraft)])
            try session.count(lost.result, -1, isDraft: lost.isDraft, of: key)
        }
    }

    /// What became of `unit`, which nobody changes until the transaction ends.
    private func shard(_ unit: UnitID, _ session: any SQLSession) throws -> PublishedUnit? {
        let sources = try sources(session)
        guard let key = sources.key(unit) else { return nil }
        let query = shardQuery("shard.source = $2 AND shard.number = $3") + session.forUpdate
        return try session.query(query, key).first.map(sources.published)
    }

    package func openUnitCount() throws(CoordinationError) -> Int {
        try read("count units") { try $0.openUnitCount(of: id) }
    }

    package func leaseHolders() throws(CoordinationError) -> [String] {
        try read("list workers") { session in
            let held = "SELECT DISTINCT worker FROM unit WHERE build = $1 AND state IN ('leased', 'publishing')"
            return try session.query(held + " ORDER BY worker", [.text(id.text)]).map { try $0.text("worker") }
        }
    }

    // MARK: Own files

    package func owns(unit: UnitID) throws(CoordinationError) -> Bool {
        try read("read a unit") { session in
            guard let key = try sources(session).key(unit) else { return false }
            return try session.query("SELECT owned FROM unit WHERE build = $1 AND source = $2 AND number = $3", key)
                .first?.flag("owned") ?? false
        }
    }

    package func recordOwned(unit: UnitID) throws(CoordinationError) {
        try write("record a shard's name") { session in
            guard let key = try sources(session).key(unit) else { return }
            try session.execute("UPDATE unit SET owned = 1 WHERE build = $1 AND source = $2 AND number = $3", key)
        }
    }

    package func leftovers() throws(CoordinationError) -> [WorkUnit] {
        try read("look for what is left over") { session in
            let query = unitQuery("\(isLeftover) ORDER BY source, number")
            return try session.query(query, [.text(id.text)]).map(try sources(session).workUnit)
        }
    }

    package func disownLeftovers() throws(CoordinationError) {
        _ = try write("forget names") { session in
            try session.execute("UPDATE unit SET owned = 0 WHERE build = $1 AND \(isLeftover)", [.text(id.text)])
        }
    }

    /// Files of such units may be under `shards/`, and belong to no published shard.
    private var isLeftover: String {
        """
        owned = 1 AND state <> 'publishing' AND NOT EXISTS (
            SELECT 1 FROM shard WHERE shard.build = unit.build AND shard.source = unit.source
                AND shard.number = unit.number AND is_draft = 0)
        """
    }
}

extension SQLSession {
    /// What ends a query whose rows nobody else may change meanwhile; in SQLite nobody can.
    var forUpdate: String { engine == .postgresql ? " FOR UPDATE" : "" }

    func openUnitCount(of build: BuildID) throws -> Int {
        let sum = "SELECT CAST(coalesce(sum(units - published_units - failed_units), 0) AS BIGINT) AS open"
        return try query("\(sum) FROM source WHERE build = $1", [.text(build.text)]).first?.integer("open") ?? 0
    }

    func failedUnitCount(of build: BuildID) throws -> Int {
        let sum = "SELECT CAST(coalesce(sum(failed_units), 0) AS BIGINT) AS failed"
        return try query("\(sum) FROM source WHERE build = $1", [.text(build.text)]).first?.integer("failed") ?? 0
    }

    /// Adds a published unit to the running sums of its source, or takes it away where `sign` is -1; `key` leads with build and source.
    func count(_ result: UnitResult, _ sign: Int, isDraft: Bool, of key: [SQLValue]) throws {
        var sums = SourceSums()
        sums.add(result, sign, isDraft: isDraft)
        try add(sums, to: Array(key.prefix(2)))
    }

    /// Adds `sums` to the running sums of a source, of which `source` is the key.
    func add(_ sums: SourceSums, to source: [SQLValue]) throws {
        try execute(
            """
            UPDATE source SET published_units = published_units + $3, draft_units = draft_units + $4,
                published_rows = published_rows + $5, samples = samples + $6, byte_count = byte_count + $7
            WHERE build = $1 AND position = $2
            """,
            source
                + [sums.publishedUnits, sums.draftUnits, sums.publishedRows, sums.samples, sums.byteCount]
                .map { .integer($0) })
        for (reason, rows) in sums.rejections.sorted(by: { $0.key < $1.key }) {
            try execute(
                """
                INSERT INTO source_rejection (build, source, reason, row_count) VALUES ($1, $2, $3, $4)
                ON CONFLICT (build, source, reason) DO UPDATE SET row_count = source_rejection.row_count + excluded.row_count
                """, source + [.text(reason), .integer(rows)])
        }
    }
}

/// What published units add to the running sums of one source.
struct SourceSums {
    private(set) var publishedUnits = 0
    private(set) var draftUnits = 0
    private(set) var publishedRows = 0
    private(set) var samples = 0
    private(set) var byteCount = 0
    private(set) var rejections: [String: Int] = [:]

    /// Adds a unit, or takes it away where `sign` is -1.
    mutating func add(_ result: UnitResult, _ sign: Int, isDraft: Bool) {
        publishedUnits += sign
        draftUnits += isDraft ? sign : 0
        publishedRows += sign * result.rows
        samples += sign * result.samples
        byteCount += sign * result.byteCount
        rejections.merge(result.rejections.mapValues { sign * $0 }) { $0 + $1 }
    }
}
