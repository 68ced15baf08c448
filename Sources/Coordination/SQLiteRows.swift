import Foundation
import GRDB
import Samples

/// The columns that `workUnit` reads, and those that say where the unit stands.
let unitColumns = """
    unit.id AS unit_id, source.name AS source_name, number, first_row, unit.row_count AS unit_rows, start_file, \
    start_offset, start_companion, unit.source AS source, unit.generation AS generation, failures, last_error
    """

/// Selects units where `condition` holds.
func unitQuery(_ condition: String) -> String {
    "SELECT \(unitColumns) FROM unit JOIN source ON position = unit.source WHERE \(condition)"
}

/// Selects published units where `condition` holds.
func shardQuery(_ condition: String) -> String {
    """
    SELECT \(unitColumns), shard.generation AS shard_generation, result, is_draft
    FROM shard JOIN unit ON unit.id = shard.unit JOIN source ON position = unit.source WHERE \(condition)
    """
}

/// The unit in a row of `unitQuery` or `shardQuery`.
func workUnit(_ row: Row) -> WorkUnit {
    WorkUnit(
        id: row["unit_id"], source: row["source_name"], index: row["number"], firstRow: row["first_row"],
        rowCount: row["unit_rows"],
        start: InputPosition(
            file: row["start_file"], offset: row["start_offset"], companion: row["start_companion"]))
}

/// The published unit in a row of `shardQuery`.
func publishedUnit(_ row: Row) throws -> PublishedUnit {
    PublishedUnit(
        unit: workUnit(row), generation: row["shard_generation"],
        result: try decodeJSON(UnitResult.self, from: Data((row["result"] as String).utf8)), isDraft: row["is_draft"])
}

/// The units that failed for good after unit `id`, in order.
func failedUnits(_ db: Database, after id: Int, limit: Int) throws -> [FailedUnit] {
    let query = unitQuery("state = 'failed' AND unit.id > ? ORDER BY unit.id LIMIT ?")
    return try Row.fetchAll(db, sql: query, arguments: [id, limit]).map { row in
        FailedUnit(unit: workUnit(row), failures: row["failures"], message: row["last_error"] ?? "")
    }
}

/// The digest that the store holds as `hex`.
func digest(_ hex: String) throws -> ContentDigest {
    guard let digest = ContentDigest(hex: hex) else {
        throw CoordinationError(.store, "manifest_digest", "\(hex) is no digest")
    }
    return digest
}

/// How far the build is, from the running sums.
func readStatus(_ db: Database) throws -> BuildStatus {
    guard let build = try Row.fetchOne(db, sql: "SELECT * FROM build") else {
        throw CoordinationError(.store, "build", "the store holds no build yet")
    }
    let sources = try readSources(db)
    let total = sources.total
    let open = total.units - total.publishedUnits - total.failedUnits
    let isPlanned: Bool = build["is_planned"]
    let workers = try String.fetchAll(db, sql: "SELECT sighting FROM worker ORDER BY name")
    return BuildStatus(
        phase: !isPlanned
            ? .planning
            : open > 0
                ? .running : total.failedUnits > 0 ? .failed : total.draftUnits > 0 ? .deduplicating : .finished,
        manifestDigest: try digest(build["manifest_digest"]), softwareVersion: build["software_version"],
        created: Date(timeIntervalSince1970: build["created"]), sources: sources,
        failedUnits: try failedUnits(db, after: -1, limit: BuildStatus.failedUnitLimit),
        workers: try workers.map { try decodeJSON(WorkerSighting.self, from: Data($0.utf8)) })
}

private func readSources(_ db: Database) throws -> [SourceStatus] {
    let leased = try Row.fetchAll(
        db, sql: "SELECT source, count(*) AS units FROM unit WHERE state = 'leased' GROUP BY source"
    ).reduce(into: [Int: Int]()) { $0[$1["source"]] = $1["units"] }
    return try Row.fetchAll(db, sql: "SELECT * FROM source ORDER BY position").map { row in
        let position: Int = row["position"]
        var source = SourceStatus(name: row["name"])
        source.units = row["units"]
        source.publishedUnits = row["published_units"]
        source.draftUnits = row["draft_units"]
        source.failedUnits = row["failed_units"]
        source.leasedUnits = leased[position] ?? 0
        source.rows = row["row_count"]
        source.publishedRows = row["published_rows"]
        source.samples = row["samples"]
        source.rowsInFlight = row["rows_in_flight"] ?? 0  // a store of an older version has none of these
        source.rowsPerSecond = row["rows_per_second"] ?? 0
        source.byteCount = row["byte_count"]
        let rejections = try Row.fetchAll(
            db, sql: "SELECT reason, row_count FROM source_rejection WHERE source = ?", arguments: [position])
        for rejection in rejections { source.rejections[rejection["reason"]] = rejection["row_count"] }
        return source
    }
}
