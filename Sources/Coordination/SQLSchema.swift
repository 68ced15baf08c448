import Databases

/// The tables of a job store, the same in both engines; each change of them is one more migration, and none is ever edited.
///
/// `source` and `source_rejection` carry running sums of their units, written in the transaction that changes the unit: a
/// status costs the same however many units there are. Every index serves one question and holds only the units that it is about.
let storeMigrations = [
    SQLMigration(1, "builds, units, shards") { engine in
        let (integer, real) = (engine.integer, engine.real)
        let end = engine == .sqlite ? "STRICT, WITHOUT ROWID" : ""
        return """
            CREATE TABLE build (
                id TEXT PRIMARY KEY,
                manifest_digest TEXT NOT NULL,
                manifest TEXT NOT NULL,
                software_version TEXT NOT NULL,
                created \(integer) NOT NULL,
                is_planned \(integer) NOT NULL,
                plan_ticket TEXT NOT NULL
            ) \(end);
            CREATE TABLE setting (
                build TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (build, key)
            ) \(end);
            CREATE TABLE source (
                build TEXT NOT NULL,
                position \(integer) NOT NULL,
                name TEXT NOT NULL,
                units \(integer) NOT NULL DEFAULT 0,
                published_units \(integer) NOT NULL DEFAULT 0,
                draft_units \(integer) NOT NULL DEFAULT 0,
                failed_units \(integer) NOT NULL DEFAULT 0,
                row_count \(integer) NOT NULL DEFAULT 0,
                published_rows \(integer) NOT NULL DEFAULT 0,
                samples \(integer) NOT NULL DEFAULT 0,
                byte_count \(integer) NOT NULL DEFAULT 0,
                rows_in_flight \(integer) NOT NULL DEFAULT 0,
                rows_per_second \(real) NOT NULL DEFAULT 0,
                PRIMARY KEY (build, position),
                UNIQUE (build, name)
            ) \(end);
            CREATE TABLE source_rejection (
                build TEXT NOT NULL,
                source \(integer) NOT NULL,
                reason TEXT NOT NULL,
                row_count \(integer) NOT NULL,
                PRIMARY KEY (build, source, reason)
            ) \(end);
            CREATE TABLE unit (
                build TEXT NOT NULL,
                source \(integer) NOT NULL,
                number \(integer) NOT NULL,
                first_row \(integer) NOT NULL,
                row_count \(integer) NOT NULL,
                start_file \(integer) NOT NULL,
                start_offset \(integer) NOT NULL,
                start_companion \(integer) NOT NULL,
                state TEXT NOT NULL DEFAULT 'waiting'
                    CHECK (state IN ('waiting', 'leased', 'publishing', 'published', 'failed')),
                generation \(integer) NOT NULL DEFAULT 0,
                failures \(integer) NOT NULL DEFAULT 0,
                last_error TEXT,
                owned \(integer) NOT NULL DEFAULT 0,
                worker TEXT,
                incarnation TEXT,
                request TEXT,
                expires \(integer),
                publishing TEXT,
                PRIMARY KEY (build, source, number)
            ) \(end);
            CREATE INDEX unit_waiting ON unit (build, failures, source, number) WHERE state = 'waiting';
            CREATE INDEX unit_held ON unit (build, worker) WHERE state IN ('leased', 'publishing');
            CREATE INDEX unit_expiring ON unit (build, expires) WHERE state = 'leased';
            CREATE INDEX unit_publishing ON unit (build, expires) WHERE state = 'publishing';
            CREATE INDEX unit_failed ON unit (build, source, number) WHERE state = 'failed';
            CREATE TABLE shard (
                build TEXT NOT NULL,
                source \(integer) NOT NULL,
                number \(integer) NOT NULL,
                generation \(integer) NOT NULL,
                result TEXT NOT NULL,
                is_draft \(integer) NOT NULL,
                PRIMARY KEY (build, source, number)
            ) \(end);
            CREATE TABLE incarnation (
                build TEXT NOT NULL,
                worker TEXT NOT NULL,
                number \(integer) NOT NULL,
                incarnation TEXT NOT NULL,
                PRIMARY KEY (build, worker, number),
                UNIQUE (build, worker, incarnation)
            ) \(end);
            CREATE TABLE leader (
                build TEXT PRIMARY KEY,
                epoch \(integer) NOT NULL,
                name TEXT NOT NULL,
                session TEXT,
                expires \(integer) NOT NULL
            ) \(end);
            CREATE TABLE sighting (build TEXT PRIMARY KEY, workers TEXT NOT NULL) \(end);
            """ + (engine == .sqlite ? statistics : vacuumOften)
    }
]

/// What SQLite is to believe of sizes: without statistics it takes a build for ten units, and reads all of them.
private let statistics = """

    ANALYZE;
    INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
        ('unit', 'unit', '1000000 1000000 100000 1'),
        ('unit', 'unit_waiting', '100000 100000 50000 10000 1'),
        ('unit', 'unit_held', '1000 1000 4'),
        ('unit', 'unit_expiring', '1000 1000 2'),
        ('unit', 'unit_publishing', '10 10 2'),
        ('unit', 'unit_failed', '100 100 20 1'),
        ('shard', 'shard', '1000000 1000000 100000 1');
    ANALYZE sqlite_schema;
    """

/// The queue's head would else be a heap of dead rows: by default a fifth of a table is dead before PostgreSQL tidies it.
private let vacuumOften = """

    ALTER TABLE unit SET (autovacuum_vacuum_scale_factor = 0.02, fillfactor = 80);
    ALTER TABLE source SET (autovacuum_vacuum_threshold = 1000, fillfactor = 50);
    """
