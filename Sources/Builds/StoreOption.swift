package import ArgumentParser
import PostgresDatabases

/// Where the state of a build is.
package struct StoreOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The PostgreSQL server for the state of the build, which lets a second coordinator stand by; by default a file in the output.",
            discussion: "Passwords are read from ~/.pgpass or PGPASSFILE. The output remembers the server.",
            valueName: "postgresql://user@host/database"))
    package var store: String?

    package init() {}

    package func validate() throws {
        guard let store else { return }
        // Not shown where it cannot be read: then nobody knows what of it is a password.
        do { _ = try PostgresDatabase(url: store) } catch { throw ValidationError("--store: \(error)") }
    }

    /// The option again, for a script that anybody may read.
    package var flags: [String] { store.map { ["--store", withoutPassword($0)] } ?? [] }
}
