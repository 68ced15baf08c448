import Foundation
import TestSupport
import Testing

@testable import Databases

/// What every engine promises.
@Suite("Every database") struct DatabaseConformance {
    static let engines = DatabaseUnderTest.engines

    @Test(
        "is tested here, PostgreSQL too",
        .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
    func all() { #expect(Self.engines == SQLEngine.allCases) }

    @Test("gives back what was written, of every type", arguments: engines)
    func values(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things])
            let text = "a 'quoted' \"name\", $1, ?2, \\ and ü 漢字 \u{1F600}\n"
            try database.write { session in
                #expect(session.engine == engine)
                try session.add(.max, text, 1e-300, note: "")
                try session.add(.min, "", -0.1)
            }
            let rows = try database.read { try $0.query("SELECT * FROM thing ORDER BY id DESC") }
            #expect(try rows.map { try $0.integer("id") } == [.max, .min])
            #expect(try rows.map { try $0.text("name") } == [text, ""])
            #expect(try rows.map { try $0.real("weight") } == [1e-300, -0.1])
            #expect(try rows.map { try $0.optionalText("note") } == ["", nil])
            #expect(throws: DatabaseError.self) { try rows[1].text("note") }
            #expect(throws: DatabaseError.self) { try rows[0].integer("name") }
            #expect(throws: DatabaseError.self) { try rows[0].text("colour") }
        }
    }

    @Test("takes parameters by number, in any order, again and again, also null", arguments: engines)
    func parameters(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things])
            try database.write { session in
                for id in 1...3 { try session.add(id, "thing \(id)", Double(id)) }
                let sql = """
                    SELECT id, '$1' AS literal FROM thing -- with $9
                    WHERE id > $2 AND weight < $1 AND id <> $2 ORDER BY id
                    """
                for _ in 0..<2 {
                    let rows = try session.query(sql, [.real(2.5), .integer(1)])
                    #expect(try rows.map { try $0.integer("id") } == [2])
                    #expect(try rows.first?.text("literal") == "$1")
                }
                #expect(try session.execute("UPDATE thing SET note = $1", [.text("x")]) == 3)
                #expect(try session.execute("UPDATE thing SET note = $1", [.null]) == 3)
                #expect(try session.query("SELECT id FROM thing WHERE note IS NOT NULL").isEmpty)
            }
            #expect(throws: DatabaseError.self) {
                try database.read { try $0.query("SELECT * FROM thing WHERE id = $1", []) }
            }
        }
    }

    @Test("counts changed rows, returns rows from changes, and adds up in 64 bits", arguments: engines)
    func changes(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things])
            try database.write { session in
                for id in 1...4 { try session.add(id, "thing \(id)") }
                #expect(try session.execute("UPDATE thing SET note = 'even' WHERE id % 2 = 0") == 2)
                #expect(try session.execute("UPDATE thing SET note = 'none' WHERE id > 9") == 0)
                #expect(try session.execute("SELECT * FROM thing") == 0)
                #expect(try session.execute("CREATE TABLE other (id \(engine.integer))") == 0)
                let upsert = """
                    INSERT INTO thing (id, name) VALUES ($1, $2)
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING id, name
                    """
                #expect(try session.query(upsert, [.integer(1), .text("first")]).first?.text("name") == "first")
                let taken = try session.query(
                    """
                    UPDATE thing SET note = 'taken'
                    WHERE id IN (SELECT id FROM thing WHERE note = 'even' ORDER BY id LIMIT 1) RETURNING id
                    """)
                #expect(try taken.map { try $0.integer("id") } == [2])
                #expect(try session.execute("DELETE FROM thing WHERE note IS NULL") == 2)
                try session.add(1 << 40, "large")
                let sums = try session.query(
                    "SELECT sum(id) AS total, count(*) AS things, max(id) AS largest FROM thing")
                #expect(try sums.first?.integer("total") == 1 << 40 + 6)
                #expect(try sums.first?.integer("things") == 3 && sums.first?.integer("largest") == 1 << 40)
                let flags = try session.query(
                    "SELECT CASE WHEN id > 2 THEN 1 ELSE 0 END AS is_large FROM thing ORDER BY id")
                #expect(try flags.map { try $0.flag("is_large") } == [false, true, true])
            }
        }
    }

    @Test("executes a statement with many values at once, and stops at the first that fails", arguments: engines)
    func batches(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things])
            let insert = "INSERT INTO thing (id, name, weight, note) VALUES ($1, $2, $3, $4)"
            let rows: [[SQLValue]] = (1...1000).map { id in
                [.integer(id), .text("thing \(id)"), .null, id % 2 == 0 ? .text("even") : .null]
            }
            try database.write { session in
                #expect(try session.execute(insert, batch: []) == [])
                #expect(try session.execute(insert, batch: rows) == Array(repeating: 1, count: 1000))
                let update = "UPDATE thing SET note = $2 WHERE id > $1 AND id < $1 + 3"
                let changed = try session.execute(
                    update, batch: [[.integer(998), .text("a")], [.integer(5), .null], [.integer(2000), .null]])
                #expect(changed == [2, 2, 0])
                #expect(try session.names().count == 1000)
            }
            let twice = #expect(throws: DatabaseError.self) {
                try database.write { session in
                    try session.execute(
                        insert, batch: [[.integer(2000), .text("new"), .null, .null], rows[5], rows[6]])
                }
            }
            #expect(twice?.code == .constraint)
            #expect(try database.read { try $0.names().count } == 1000)
        }
    }

    @Test("undoes a transaction that throws, and keeps one that returns", arguments: engines)
    func transactions(_ engine: SQLEngine) async throws {
        struct Refusal: Error {}
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things])
            #expect(throws: Refusal.self) {
                try database.write { session in
                    try session.add(1, "one")
                    throw Refusal()
                }
            }
            let answer = try database.write { session in
                try session.add(2, "two")
                return "done"
            }
            #expect(answer == "done")
            #expect(try test.open().read { try $0.names() } == ["two"])
        }
    }

    @Test("commits nothing after a statement that failed, even if the failure is passed over", arguments: engines)
    func failures(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things, owners])
            try database.write { try $0.add(1, "one") }
            let twice = #expect(throws: DatabaseError.self) {
                try database.write { session in
                    try session.add(2, "two")
                    _ = try? session.add(3, "one")
                    _ = try? session.add(4, "four")
                }
            }
            #expect(twice?.code == .constraint)
            let orphan = #expect(throws: DatabaseError.self) {
                try database.write { try $0.execute("INSERT INTO owner VALUES (1, 99)") }
            }
            #expect(orphan?.code == .constraint)
            let nonsense = #expect(throws: DatabaseError.self) { try database.write { try $0.execute("SELEKT 1") } }
            #expect(nonsense?.code == .unexpected)
            #expect(nonsense?.description.contains("\n") == false)
            let wrongType = #expect(throws: DatabaseError.self) {
                try database.write { try $0.execute("INSERT INTO thing VALUES ('five', 'five', NULL, NULL)") }
            }
            #expect(wrongType != nil)
            let writing = #expect(throws: DatabaseError.self) {
                try database.read { try $0.execute("DELETE FROM thing") }
            }
            #expect(writing != nil)
            #expect(try database.read { try $0.names() } == ["one"])
        }
    }

    @Test("shows a reader one state, whatever is written meanwhile", arguments: engines)
    func snapshots(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            let other = try test.open()
            try database.migrate([things])
            try database.write { try $0.add(1, "one") }
            try database.read { session in
                #expect(try session.names() == ["one"])
                try other.write { try $0.add(2, "two") }
                #expect(try session.names() == ["one"])
            }
            #expect(try database.read { try $0.names() } == ["one", "two"])
        }
    }

    @Test("migrates once, whoever asks, and refuses tables of a later version", arguments: engines)
    func migrations(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            try test.open().migrate([things])
            let database = try test.open()
            try database.write { try $0.add(1, "one") }
            for _ in 0..<2 { try database.migrate([things, owners, colours]) }
            let colour = try database.read { try $0.query("SELECT colour FROM thing").first?.text("colour") }
            #expect(colour == "grey")
            let newer = #expect(throws: DatabaseError.self) { try database.migrate([things, owners]) }
            #expect(newer?.code == .newerSchema)
        }
    }

    @Test("migrates all or nothing", arguments: engines)
    func failedMigration(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            let wrong = SQLMigration(2, "wrong") { _ in "CREATE TABLE half (id INTEGER); CREATE TABLE half (id INTEGER)"
            }
            #expect(throws: DatabaseError.self) { try database.migrate([things, wrong]) }
            #expect(throws: DatabaseError.self) { try database.read { try $0.names() } }
            try database.migrate([things, owners])
            #expect(try database.read { try $0.names() } == [])
        }
    }

    @Test("is migrated by many at once without harm", arguments: engines)
    func migrationsAtOnce(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let databases = try (0..<4).map { _ in try test.open() }
            DispatchQueue.concurrentPerform(iterations: databases.count) { index in
                #expect(throws: Never.self) { try databases[index].migrate([things, owners, colours]) }
            }
            #expect(try databases[0].read { try $0.query("SELECT * FROM schema_migration").count } == 3)
        }
    }

    @Test("lets many write at once, one after the other, without losing a write", arguments: engines)
    func writersAtOnce(_ engine: SQLEngine) async throws {
        try await DatabaseUnderTest.with(engine) { test in
            let database = try test.open()
            try database.migrate([things])
            try database.write { try $0.add(1, "counter", 0) }
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                for _ in 0..<10 {
                    #expect(throws: Never.self) {
                        try database.write { try $0.execute("UPDATE thing SET weight = weight + 1 WHERE id = 1") }
                    }
                }
            }
            #expect(try database.read { try $0.query("SELECT weight FROM thing").first?.real("weight") } == 80)
        }
    }
}
