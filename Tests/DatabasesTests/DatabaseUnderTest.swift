import Databases
import Foundation
import PostgresDatabases
import TestSupport

/// A database of one engine that a conformance test may do with as it likes.
struct DatabaseUnderTest {
    let engine: SQLEngine
    /// Opens it once more, as another process would.
    let open: () throws -> any SQLDatabase

    /// The engines that can be tested here.
    static let engines = SQLEngine.allCases.filter { $0 == .sqlite || PostgresServer.isInstalled }

    /// Runs `body` with a new, empty database.
    static func with(_ engine: SQLEngine, _ body: (DatabaseUnderTest) async throws -> Void) async throws {
        switch engine {
        case .sqlite:
            let folder = try Project.temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try await body(DatabaseUnderTest(engine: engine) { try SQLiteDatabase(path: "\(folder)/test.sqlite") })
        case .postgresql:
            let server = try PostgresServer.shared.get()
            let schema = newSchema()
            try await body(
                DatabaseUnderTest(engine: engine) { try PostgresDatabase(url: server.url, schema: schema) })
        }
    }
}

/// A name for tables that no other test has.
func newSchema() -> String { "test_" + UUID().uuidString.prefix(12).lowercased().replacing("-", with: "_") }

/// A table with every type.
let things = SQLMigration(1, "things") { engine in
    """
    CREATE TABLE thing (
        id \(engine.integer) PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        weight \(engine.real),
        note TEXT
    ) \(engine.strict);
    CREATE INDEX thing_note ON thing (note);
    """
}

let owners = SQLMigration(2, "owners") { engine in
    "CREATE TABLE owner (id \(engine.integer) PRIMARY KEY, thing \(engine.integer) NOT NULL REFERENCES thing (id))"
}

let colours = SQLMigration(3, "colours") { _ in "ALTER TABLE thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'" }

extension SQLSession {
    func add(_ id: Int, _ name: String, _ weight: Double? = nil, note: String? = nil) throws {
        let changed = try execute(
            "INSERT INTO thing (id, name, weight, note) VALUES ($1, $2, $3, $4)",
            [.integer(id), .text(name), weight.map { .real($0) } ?? .null, .text(note)])
        precondition(changed == 1)
    }

    func names() throws -> [String] { try query("SELECT name FROM thing ORDER BY id").map { try $0.text("name") } }
}
