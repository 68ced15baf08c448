import Foundation
import GRDB
package import Samples

// The build and its plan, which are written once.
extension SQLiteJobStore {
    package func build() throws(CoordinationError) -> BuildRecord? {
        try read("read the build") { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM build") else { return nil }
            let settings = try Row.fetchAll(db, sql: "SELECT key, value FROM setting")
                .map { ($0["key"] as String, $0["value"] as String) }
            return BuildRecord(
                manifestDigest: try digest(row["manifest_digest"]), manifest: row["manifest"],
                settings: Dictionary(uniqueKeysWithValues: settings), softwareVersion: row["software_version"],
                created: Date(timeIntervalSince1970: row["created"]))
        }
    }

    package func isPlanned() throws(CoordinationError) -> Bool {
        try read("read the build") { try Bool.fetchOne($0, sql: "SELECT is_planned FROM build") ?? false }
    }

    package func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError) {
        try write("begin the plan") { db in
            guard try Bool.fetchOne(db, sql: "SELECT is_planned FROM build") != true else {
                throw CoordinationError(.conflict, "plan", "the store already has a complete plan")
            }
            for table in ["unit", "source", "setting", "build"] { try db.execute(sql: "DELETE FROM \(table)") }
            try db.execute(
                sql: "INSERT INTO build VALUES (1, ?, ?, ?, ?, 0)",
                arguments: [
                    build.manifestDigest.hex, build.manifest, build.softwareVersion,
                    Int(build.created.timeIntervalSince1970),
                ])
            for (key, value) in build.settings.sorted(by: { $0.key < $1.key }) {
                try db.execute(sql: "INSERT INTO setting VALUES (?, ?)", arguments: [key, value])
            }
            for (position, name) in sources.enumerated() {
                try db.execute(sql: "INSERT INTO source (position, name) VALUES (?, ?)", arguments: [position, name])
            }
        }
    }

    package func addToPlan(_ units: [WorkUnit]) throws(CoordinationError) {
        try write("add to the plan") { db in
            try requirePlanning(db)
            let insert = try db.cachedStatement(
                sql: """
                    INSERT INTO unit (id, source, number, first_row, row_count, start_file, start_offset, start_companion)
                    VALUES (?, (SELECT position FROM source WHERE name = ?), ?, ?, ?, ?, ?, ?)
                    """)
            let count = try db.cachedStatement(
                sql: "UPDATE source SET units = units + 1, row_count = row_count + ? WHERE name = ?")
            for unit in units {
                try insert.execute(arguments: [
                    unit.id, unit.source, unit.index, unit.firstRow, unit.rowCount, unit.start.file, unit.start.offset,
                    unit.start.companion,
                ])
                try count.execute(arguments: [unit.rowCount, unit.source])
            }
        }
    }

    package func finishPlan() throws(CoordinationError) {
        try write("finish the plan") { db in
            try requirePlanning(db)
            try db.execute(sql: "UPDATE build SET is_planned = 1")
        }
    }

    private func requirePlanning(_ db: Database) throws {
        guard try Bool.fetchOne(db, sql: "SELECT is_planned FROM build") == false else {
            throw CoordinationError(.conflict, "plan", "no plan is being made")
        }
    }
}
