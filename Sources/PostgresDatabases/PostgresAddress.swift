import CPostgres
import Databases

/// Where a PostgreSQL server is: a URI as libpq reads it, with a form of it that may be shown.
struct PostgresAddress: Sendable {
    /// As it was given; it may hold a password.
    let url: String
    /// Host, port and database: what errors and logs may say.
    let shown: String
    /// How many servers it names, one of which leads.
    let serverCount: Int

    /// Throws `refused` where libpq could take a part of a password for something else: its messages would then show it.
    init(_ url: String) throws(DatabaseError) {
        guard Self.isPlain(url), let shown = Self.described(url) else {
            throw DatabaseError(
                .refused, "the store's address",
                "it cannot be read; write postgresql://USER@HOST:PORT/DATABASE, other characters as %XX")
        }
        self.url = url
        self.shown = shown.isEmpty ? "postgresql" : "postgresql://" + shown
        serverCount = Int(cpg_server_count(url))
    }

    /// Whether `@` stands once at most, after the user, and a colon in the part of hosts only before digits.
    private static func isPlain(_ url: String) -> Bool {
        guard let scheme = ["postgresql://", "postgres://"].first(where: { url.hasPrefix($0) }) else { return false }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let signs = rest.count { $0 == "@" }
        guard signs <= 1, authority.contains("@") == (signs == 1), !url.contains("\0") else { return false }
        let hosts = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        return hosts.split(separator: ",").allSatisfy { host in
            let name = host.hasPrefix("[") ? host.drop { $0 != "]" } : host
            let parts = name.split(separator: ":", omittingEmptySubsequences: false)
            return parts.count <= 2 && parts.dropFirst().allSatisfy { $0.allSatisfy(\.isNumber) }
        }
    }

    private static func described(_ url: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 1024)
        guard cpg_describe(url, &buffer, buffer.count) == 1 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
