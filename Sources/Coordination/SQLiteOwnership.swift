import GRDB
package import Samples

// Which files under `shards/` are the build's own, and shards that are not there any more.
extension SQLiteJobStore {
    package func owns(unit: Int) throws(CoordinationError) -> Bool {
        try read("read a unit") { db in
            try Bool.fetchOne(db, sql: "SELECT owned FROM unit WHERE id = ?", arguments: [unit]) ?? false
        }
    }

    package func recordOwned(unit: Int) throws(CoordinationError) {
        try write("record a shard's name") { db in
            try db.execute(sql: "UPDATE unit SET owned = 1 WHERE id = ?", arguments: [unit])
        }
    }

    package func leftovers() throws(CoordinationError) -> [WorkUnit] {
        try read("look for what is left over") { try Row.fetchAll($0, sql: unitQuery(isLeftover)).map(workUnit) }
    }

    package func disownLeftovers() throws(CoordinationError) {
        try write("forget names") { try $0.execute(sql: "UPDATE unit SET owned = 0 WHERE \(isLeftover)") }
    }

    /// Files of such units may be under `shards/`, and belong to no published shard.
    private var isLeftover: String {
        "owned = 1 AND NOT EXISTS (SELECT 1 FROM shard WHERE shard.unit = unit.id AND is_draft = 0)"
    }

    package func takeBack(unit: Int) throws(CoordinationError) {
        try write("take a shard back") { db in
            guard let row = try Row.fetchOne(db, sql: shardQuery("shard.unit = ?"), arguments: [unit]) else {
                throw CoordinationError(.conflict, "unit \(unit)", "not published")
            }
            let lost = try publishedUnit(row)
            let source: Int = row["source"]
            try db.execute(sql: "DELETE FROM shard WHERE unit = ?", arguments: [unit])
            try db.execute(
                sql: "UPDATE unit SET state = 'planned', failures = 0, owned = ? WHERE id = ?",
                arguments: [!lost.isDraft, unit])
            try db.execute(
                sql: """
                    UPDATE source SET published_units = published_units - 1, draft_units = draft_units - ?,
                        published_rows = published_rows - ?, samples = samples - ?, byte_count = byte_count - ?
                    WHERE position = ?
                    """,
                arguments: [
                    lost.isDraft ? 1 : 0, lost.result.rows, lost.result.samples, lost.result.byteCount, source,
                ])
            try count(lost.result.rejections.mapValues { -$0 }, of: source, db)
            try db.execute(sql: "DELETE FROM source_rejection WHERE row_count = 0")
        }
    }
}
