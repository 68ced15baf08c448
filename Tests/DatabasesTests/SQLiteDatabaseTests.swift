import Foundation
import Locks
import TestSupport
import Testing

@testable import Databases

@Suite("A SQLite database") struct SQLiteDatabaseTests {
    @Test("syncs its log with each transaction, so that what was acknowledged survives")
    func durability() throws {
        try inFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/a/b.sqlite")
            for _ in 0..<2 {
                let (mode, level) = try database.write { session in
                    (try session.query("PRAGMA journal_mode"), try session.query("PRAGMA synchronous"))
                }
                #expect(try mode.first?.text("journal_mode") == "wal")
                #expect(try level.first?.integer("synchronous") == 2)  // FULL
            }
        }
    }

    @Test("is read beside its writer, without a right to write, and compared with what is expected")
    func reading() throws {
        try inFolder { folder in
            let path = "\(folder)/b.sqlite"
            let writer = try SQLiteDatabase(path: path)
            try writer.migrate([things])
            try writer.write { try $0.add(1, "one") }
            let reader = try SQLiteDatabase(reading: path)
            try reader.migrate([things])
            #expect(try reader.read { try $0.names() } == ["one"])
            try writer.write { try $0.add(2, "two") }
            #expect(try reader.read { try $0.names() } == ["one", "two"])
            #expect(throws: DatabaseError.self) { try reader.write { try $0.add(3, "three") } }
            let older = #expect(throws: DatabaseError.self) { try reader.migrate([things, owners]) }
            #expect(older?.code == .olderSchema)
            try writer.migrate([things, owners])
            let newer = #expect(throws: DatabaseError.self) { try reader.migrate([things]) }
            #expect(newer?.code == .newerSchema)
        }
    }

    @Test("that is missing or is something else is named")
    func foreignFiles() throws {
        try inFolder { folder in
            let missing = #expect(throws: DatabaseError.self) { try SQLiteDatabase(reading: "\(folder)/none") }
            #expect(missing?.code == .unavailable && missing?.subject == "\(folder)/none")
            let text = "\(folder)/text"
            try Data("this is no database, but long enough to be taken for one".utf8).write(
                to: URL(fileURLWithPath: text))
            let foreign = #expect(throws: DatabaseError.self) { try SQLiteDatabase(path: text) }
            #expect(foreign?.code == .damaged && foreign?.subject == text)
        }
    }

    @Test("tells a watcher every statement before it runs")
    func watching() throws {
        try inFolder { folder in
            let seen = Seen()
            let database = try SQLiteDatabase(path: "\(folder)/b.sqlite") { sql in seen.add(sql) }
            try database.migrate([things])
            try database.write { try $0.add(7, "seven") }
            #expect(seen.count { $0.hasPrefix("INSERT INTO thing ") } == 1)
            #expect(seen.count { $0.hasPrefix("COMMIT") } >= 2)
        }
    }

    @Test("numbers parameters as they are written, but not in quotes and comments")
    func questionMarks() {
        #expect(withQuestionMarks("a = $1 AND b = $12") == "a = ?1 AND b = ?12")
        #expect(withQuestionMarks("'$1' || \"$2\" || $3") == "'$1' || \"$2\" || ?3")
        #expect(withQuestionMarks("'it''s $1' -- $2's\n, $3 - $4") == "'it''s $1' -- $2's\n, ?3 - ?4")
        #expect(withQuestionMarks("$a, $0, $") == "$a, $0, $")
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = try Project.temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }
}

private final class Seen: Sendable {
    private let statements = Locked<[String]>([])

    func add(_ sql: String) { statements.withLock { $0.append(sql) } }

    func count(where matches: (String) -> Bool) -> Int { statements.withLock { $0 }.count(where: matches) }
}
