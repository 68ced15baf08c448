import GRDB

/// The tables of a build's SQLite file; each change of them is one more migration, and none is ever edited.
///
/// `source` and `source_rejection` carry running sums of their units, written in the transaction that changes the
/// unit: a status costs the same however many units there are.
let storeMigrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: builds, units, shards") { db in
        try db.execute(
            sql: """
                CREATE TABLE build (
                    id INTEGER PRIMARY KEY CHECK (id = 1),
                    manifest_digest TEXT NOT NULL,
                    manifest TEXT NOT NULL,
                    software_version TEXT NOT NULL,
                    created INTEGER NOT NULL,
                    is_planned INTEGER NOT NULL
                ) STRICT;
                CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
                CREATE TABLE source (
                    position INTEGER PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    units INTEGER NOT NULL DEFAULT 0,
                    published_units INTEGER NOT NULL DEFAULT 0,
                    failed_units INTEGER NOT NULL DEFAULT 0,
                    row_count INTEGER NOT NULL DEFAULT 0,
                    published_rows INTEGER NOT NULL DEFAULT 0,
                    samples INTEGER NOT NULL DEFAULT 0,
                    byte_count INTEGER NOT NULL DEFAULT 0
                ) STRICT;
                CREATE TABLE source_rejection (
                    source INTEGER NOT NULL REFERENCES source (position),
                    reason TEXT NOT NULL,
                    row_count INTEGER NOT NULL,
                    PRIMARY KEY (source, reason)
                ) STRICT, WITHOUT ROWID;
                CREATE TABLE unit (
                    id INTEGER PRIMARY KEY,
                    source INTEGER NOT NULL REFERENCES source (position),
                    number INTEGER NOT NULL,
                    first_row INTEGER NOT NULL,
                    row_count INTEGER NOT NULL,
                    start_file INTEGER NOT NULL,
                    start_offset INTEGER NOT NULL,
                    state TEXT NOT NULL DEFAULT 'planned'
                        CHECK (state IN ('planned', 'leased', 'published', 'failed')),
                    generation INTEGER NOT NULL DEFAULT 0,
                    failures INTEGER NOT NULL DEFAULT 0,
                    worker TEXT,
                    last_error TEXT
                ) STRICT;
                CREATE INDEX unit_planned ON unit (failures, id) WHERE state = 'planned';
                CREATE INDEX unit_leased ON unit (id) WHERE state = 'leased';
                CREATE INDEX unit_failed ON unit (id) WHERE state = 'failed';
                CREATE TABLE shard (
                    unit INTEGER PRIMARY KEY REFERENCES unit (id),
                    name TEXT NOT NULL UNIQUE,
                    generation INTEGER NOT NULL,
                    result TEXT NOT NULL
                ) STRICT;
                CREATE TABLE worker (name TEXT PRIMARY KEY, sighting TEXT NOT NULL) STRICT, WITHOUT ROWID;
                """)
    }
    migrator.registerMigration("2: places in two files") { db in
        try db.execute(sql: "ALTER TABLE unit ADD COLUMN start_companion INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("3: drafts") { db in
        try db.execute(
            sql: """
                ALTER TABLE shard ADD COLUMN is_draft INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE source ADD COLUMN draft_units INTEGER NOT NULL DEFAULT 0;
                """)
    }
    migrator.registerMigration("4: own files, rates") { db in
        try db.execute(
            sql: """
                ALTER TABLE unit ADD COLUMN owned INTEGER NOT NULL DEFAULT 0;
                UPDATE unit SET owned = 1;
                ALTER TABLE source ADD COLUMN rows_in_flight INTEGER NOT NULL DEFAULT 0;
                ALTER TABLE source ADD COLUMN rows_per_second REAL NOT NULL DEFAULT 0;
                """)
    }
    return migrator
}()
