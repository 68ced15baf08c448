import Databases
import Foundation
package import Samples

// The build and its plan, which are written once.
extension SQLJobStore {
    /// Rows in one statement: a round trip to a server each would make planning slow.
    private static let insertCount = 100

    package func build() throws(CoordinationError) -> BuildRecord? {
        try read("read the build") { session in
            guard let row = try session.query("SELECT * FROM build WHERE id = $1", [.text(id.text)]).first else {
                return nil
            }
            let settings = try session.query("SELECT key, value FROM setting WHERE build = $1", [.text(id.text)])
                .map { (try $0.text("key"), try $0.text("value")) }
            return BuildRecord(
                manifestDigest: try digest(row.text("manifest_digest")), manifest: try row.text("manifest"),
                settings: Dictionary(uniqueKeysWithValues: settings),
                softwareVersion: try row.text("software_version"),
                created: Date(timeIntervalSince1970: TimeInterval(try row.integer("created"))))
        }
    }

    package func isPlanned() throws(CoordinationError) -> Bool { try read("read the build", isPlanned) }

    package func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError) -> PlanTicket {
        let ticket = PlanTicket.random()
        try write("begin the plan") { session in
            let begun = try session.execute(
                """
                INSERT INTO build (id, manifest_digest, manifest, software_version, created, is_planned, plan_ticket)
                VALUES ($1, $2, $3, $4, $5, 0, $6)
                ON CONFLICT (id) DO UPDATE SET
                    manifest_digest = excluded.manifest_digest, manifest = excluded.manifest,
                    software_version = excluded.software_version, created = excluded.created,
                    plan_ticket = excluded.plan_ticket
                WHERE build.is_planned = 0
                """,
                [
                    .text(id.text), .text(build.manifestDigest.hex), .text(build.manifest),
                    .text(build.softwareVersion),
                    .integer(Int(build.created.timeIntervalSince1970)), .text(ticket.secret),
                ])
            guard begun == 1 else { throw CoordinationError(.conflict, "plan", "the build has a complete plan") }
            for table in ["unit", "source", "setting"] {
                try session.execute("DELETE FROM \(table) WHERE build = $1", [.text(id.text)])
            }
            for (key, value) in build.settings.sorted(by: { $0.key < $1.key }) {
                try session.execute(
                    "INSERT INTO setting (build, key, value) VALUES ($1, $2, $3)",
                    [.text(id.text), .text(key), .text(value)])
            }
            for (position, name) in sources.enumerated() {
                try session.execute(
                    "INSERT INTO source (build, position, name) VALUES ($1, $2, $3)",
                    [.text(id.text), .integer(position), .text(name)])
            }
        }
        return ticket
    }

    package func addToPlan(_ units: [WorkUnit], _ ticket: PlanTicket) throws(CoordinationError) {
        try write("add to the plan") { session in
            try requirePlanning(session, ticket)
            let sources = try sources(session)
            var rows = units[...]
            while !rows.isEmpty {
                let count = rows.count >= Self.insertCount ? Self.insertCount : 1
                try insert(rows.prefix(count), sources, session)
                rows = rows.dropFirst(count)
            }
            for (source, units) in Dictionary(grouping: units, by: \.source) {
                try session.execute(
                    "UPDATE source SET units = units + $1, row_count = row_count + $2 WHERE build = $3 AND name = $4",
                    [
                        .integer(units.count), .integer(units.reduce(0) { $0 + $1.rowCount }), .text(id.text),
                        .text(source),
                    ])
            }
        }
    }

    private func insert(_ units: ArraySlice<WorkUnit>, _ sources: SourceNames, _ session: any SQLSession) throws {
        let columns = 8
        let rows = units.indices.enumerated().map { row, _ in
            "(" + (1...columns).map { "$\(row * columns + $0)" }.joined(separator: ", ") + ")"
        }
        try session.execute(
            """
            INSERT INTO unit (
                build, source, number, first_row, row_count, start_file, start_offset, start_companion
            ) VALUES \(rows.joined(separator: ", "))
            """,
            units.flatMap { unit throws -> [SQLValue] in
                guard let key = sources.key(UnitID(unit, in: id)) else {
                    throw CoordinationError(.store, unit.source, "not a source of the plan")
                }
                return key + [
                    .integer(unit.firstRow), .integer(unit.rowCount), .integer(unit.start.file),
                    .integer(unit.start.offset), .integer(unit.start.companion),
                ]
            })
    }

    package func finishPlan(_ ticket: PlanTicket) throws(CoordinationError) {
        try write("finish the plan") { session in
            try requirePlanning(session, ticket)
            try session.execute("UPDATE build SET is_planned = 1 WHERE id = $1", [.text(id.text)])
        }
    }

    /// Throws unless this is the latest plan and not whole; keeps others from planning until the transaction ends.
    private func requirePlanning(_ session: any SQLSession, _ ticket: PlanTicket) throws {
        let held = try session.execute(
            "UPDATE build SET is_planned = 0 WHERE id = $1 AND is_planned = 0 AND plan_ticket = $2",
            [.text(id.text), .text(ticket.secret)])
        guard held == 1 else {
            throw CoordinationError(.locked, "plan", "another process has begun to plan this build")
        }
    }
}
