extension SQLSession {
    /// Applies the `steps` that are not recorded yet, or only compares them where `mayChange` is false; `subject` is for errors.
    ///
    /// The caller keeps others out.
    package func migrate(_ steps: [SQLMigration], subject: String, mayChange: Bool) throws(DatabaseError) {
        precondition(steps.map(\.number) == Array(1...steps.count), "migrations are numbered from 1 on")
        if mayChange {
            try execute(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number \(engine.integer) PRIMARY KEY, name TEXT NOT NULL
                ) \(engine.strict)
                """)
        }
        let applied = try appliedMigration()
        guard applied <= steps.count else {
            throw DatabaseError(.newerSchema, subject, "written by a later version of this software")
        }
        guard mayChange || applied == steps.count else {
            throw DatabaseError(.olderSchema, subject, "written by an earlier version of this software")
        }
        for step in steps.dropFirst(applied) {
            try run(script: step.script(engine))
            try execute(
                "INSERT INTO schema_migration (number, name) VALUES ($1, $2)",
                [.integer(step.number), .text(step.name)])
        }
    }

    /// The number of the newest step that was applied; 0 for none.
    private func appliedMigration() throws(DatabaseError) -> Int {
        let table =
            switch engine {
            case .sqlite: "SELECT count(*) AS tables FROM sqlite_master WHERE name = 'schema_migration'"
            case .postgresql:
                """
                SELECT count(*) AS tables FROM pg_tables
                WHERE schemaname = current_schema() AND tablename = 'schema_migration'
                """
            }
        guard try query(table).first?.integer("tables") == 1 else { return 0 }
        return try query("SELECT coalesce(max(number), 0) AS newest FROM schema_migration").first?.integer("newest")
            ?? 0
    }
}
