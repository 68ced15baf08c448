import Databases
import Foundation
import Samples

// What people look at.
extension SQLTransaction {
    func recordSightings(
        _ sightings: RecordedSightings, progress: [String: SourceProgress]
    ) throws(CoordinationError) {
        try sql {
            let build = SQLValue.text(sources.build.text)
            for (source, progress) in progress.sorted(by: { $0.key < $1.key }) {
                try session.execute(
                    "UPDATE source SET rows_in_flight = $3, rows_per_second = $4 WHERE build = $1 AND name = $2",
                    [build, .text(source), .integer(progress.rowsInFlight), .real(progress.rowsPerSecond)])
            }
            try session.execute(
                """
                INSERT INTO sighting (build, workers) VALUES ($1, $2)
                ON CONFLICT (build) DO UPDATE SET workers = excluded.workers
                """, [build, .text(sightings.text)])
        }
    }
}

extension SQLJobStore {
    package func status() throws(CoordinationError) -> BuildStatus {
        try read("read the status") { session in
            var status = try status(session)
            let query = "SELECT workers FROM sighting WHERE build = $1"
            if let workers = try session.query(query, [.text(id.text)]).first?.text("workers") {
                status.workers = try decodeJSON([WorkerSighting].self, from: Data(workers.utf8))
            }
            return status
        }
    }

    package func statusWithoutWorkers() throws(CoordinationError) -> BuildStatus {
        try read("read the status", status)
    }

    /// From the running sums, without the workers.
    private func status(_ session: any SQLSession) throws -> BuildStatus {
        let key: [SQLValue] = [.text(id.text)]
        guard let build = try session.query("SELECT * FROM build WHERE id = $1", key).first else {
            throw CoordinationError(.store, "build", "the store does not hold build \(id) yet")
        }
        let sources = try sourceStatus(session)
        return BuildStatus(
            build: id, phase: BuildStatus.Phase(isPlanned: try build.flag("is_planned"), sources.total),
            manifestDigest: try digest(build.text("manifest_digest")),
            softwareVersion: try build.text("software_version"),
            created: Date(timeIntervalSince1970: TimeInterval(try build.integer("created"))), sources: sources,
            failedUnits: try failedUnits(session, after: nil, limit: BuildStatus.failedUnitLimit),
            workers: [])
    }

    private func sourceStatus(_ session: any SQLSession) throws -> [SourceStatus] {
        let key: [SQLValue] = [.text(id.text)]
        var sources = try session.query("SELECT * FROM source WHERE build = $1 ORDER BY position", key).map { row in
            var source = SourceStatus(name: try row.text("name"))
            source.units = try row.integer("units")
            source.publishedUnits = try row.integer("published_units")
            source.draftUnits = try row.integer("draft_units")
            source.failedUnits = try row.integer("failed_units")
            source.rows = try row.integer("row_count")
            source.publishedRows = try row.integer("published_rows")
            source.samples = try row.integer("samples")
            source.rowsInFlight = try row.integer("rows_in_flight")
            source.rowsPerSecond = try row.real("rows_per_second")
            source.byteCount = try row.integer("byte_count")
            return source
        }
        let held = "SELECT source, count(*) AS units FROM unit WHERE build = $1 AND state IN ('leased', 'publishing')"
        for row in try session.query("\(held) GROUP BY source", key) {
            sources[try row.integer("source")].leasedUnits = try row.integer("units")
        }
        let rejections = "SELECT source, reason, row_count FROM source_rejection WHERE build = $1 AND row_count > 0"
        for row in try session.query(rejections, key) {
            sources[try row.integer("source")].rejections[try row.text("reason")] = try row.integer("row_count")
        }
        return sources
    }
}
