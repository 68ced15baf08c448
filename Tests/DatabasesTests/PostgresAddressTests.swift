import Databases
import TestSupport
import Testing

@testable import PostgresDatabases

@Suite("The address of a PostgreSQL database") struct PostgresAddressTests {
    @Test("is shown without user and password")
    func shown() throws {
        for (url, shown) in [
            ("postgresql://", "postgresql"),
            ("postgresql://db", "postgresql://db"),
            ("postgres://build:s3cret@db.example.org:6432/captions", "postgresql://db.example.org:6432/captions"),
            ("postgresql://build:s3%40cret@a:1,b:2/captions?sslmode=require", "postgresql://a,b:1,2/captions"),
            ("postgresql://build@[::1]:5432/x", "postgresql://::1:5432/x"),
            ("postgresql://build@/x?host=%2Frun%2Fpg&port=5433&password=s3cret", "postgresql:///run/pg:5433/x"),
        ] {
            #expect(try PostgresAddress(url).shown == shown, "\(url)")
        }
        #expect(try PostgresAddress("postgresql://a,b,c/x").serverCount == 3)
    }

    @Test("may be written down without its passwords")
    func writtenDown() throws {
        for (url, written) in [
            ("postgresql://db/x", "postgresql://db/x"),
            ("postgresql://build@db:6432/x?sslmode=require", "postgresql://build@db:6432/x?sslmode=require"),
            ("postgres://build:s3cret@a:1,b:2/x", "postgres://build@a:1,b:2/x"),
            ("postgresql://build:s3%40cret@[::1]:5432/x", "postgresql://build@[::1]:5432/x"),
            ("postgresql://db:6432/x?user=b&password=s3cret", "postgresql://db:6432/x?user=b"),
            ("postgresql:///x?password=s3cret&host=%2Frun&sslpassword=s3cret", "postgresql:///x?host=%2Frun"),
            ("postgresql://db/x?p%61ssword=s3cret&user=b", "postgresql://db/x?user=b"),
            ("postgresql://:s3cret@db/x?password=s3cret", "postgresql://@db/x"),
        ] {
            #expect(withoutPassword(url) == written)
            #expect(try PostgresAddress(url).shown == PostgresAddress(written).shown, "it is the same database")
        }
    }

    @Test("that may have a password in the wrong place is refused without showing it")
    func unreadable() {
        for url in [
            "postgresql://build:s3cret/s3cret@db/captions", "postgresql://build:s3@cret@db/captions",
            "postgresql://build:s3?cret@db/captions", "postgresql://build:123/s3cret@db", "postgresql://db:s3cret/x",
            "postgresql://build@db/x?passwort=s3cret", "postgresql://build@db/x?s3cret",
            "postgresql://build@db/x?a=s3@cret",
            "host=db password=s3cret", "mysql://build:s3cret@db/x", "postgresql://build:s3%cret@db/x", "s3cret", "",
        ] {
            let error = #expect(throws: DatabaseError.self) { try PostgresDatabase(url: url) }
            #expect(error?.code == .refused, "\(url)")
            #expect(error?.description.contains("cret") == false, "\(url)")
        }
    }

    @Test(
        "is refused at once when its user, password or database is wrong; the password is not shown",
        .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
    func refused() throws {
        let url = try PostgresServer.shared.get().addressWithPassword
        #expect(try PostgresDatabase(url: url).read { try $0.query("SELECT 1 AS one").first?.integer("one") } == 1)
        for wrong in [
            url.replacing(":pipeline@", with: ":s3cret@"),
            url.replacing("//pipeline:pipeline", with: "//nobody:s3cret"),
            url + "_s3cret",
        ] {
            let error = #expect(throws: DatabaseError.self) {
                try PostgresDatabase(url: wrong).read { try $0.query("SELECT 1") }
            }
            #expect(error?.code == .refused, "\(error as Any)")
            #expect(error?.description.contains("s3cret") == wrong.hasSuffix("_s3cret"))
        }
    }
}
