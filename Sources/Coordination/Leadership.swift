import Databases

/// Who coordinates a build whose store several processes can reach.
///
/// A row with an epoch and an expiry by the database's clock. Every write of a coordinator looks at that row in its own transaction and
/// keeps it from changing until it has ended, so a leader that was stopped and goes on after another has taken over is refused by
/// the database (`deposed`), whatever it believes.
package enum Leadership: Hashable, Sendable {
    /// This process leads until it is deposed, as long as it renews.
    case leading
    /// Another process leads; the name that it gave itself.
    case standby(leader: String)
}

/// The coordinator of a build, as others see it.
package struct Leader: Hashable, Sendable {
    /// The name that it gave itself.
    package let name: String
    /// Whether its term has not expired.
    package let isCurrent: Bool
}

extension SQLJobStore {
    /// Takes the lead of the build where nobody has it, or where a leader's term has expired; nothing changes where this process leads.
    ///
    /// The session of a leader that is taken over from is ended: it may be stopped in the middle of a transaction. `name` is for people.
    package func lead(as name: String, for term: Duration) throws(CoordinationError) -> Leadership {
        if epoch != nil { return .leading }
        let (taken, leader) = try unfenced("take the lead") { session in
            let now = try now(session)
            let key: [SQLValue] = [.text(id.text)]
            let found = try session.query("SELECT epoch, name, session, expires FROM leader WHERE build = $1", key)
                .first
            if let found, try found.integer("expires") > now { return (Int?.none, try found.text("name")) }
            let old = try found?.integer("epoch") ?? 0
            if let stopped = try found?.optionalText("session") { try session.end(stopped) }
            let taken = try session.execute(
                """
                INSERT INTO leader (build, epoch, name, session, expires) VALUES ($1, $2 + 1, $3, $4, $5)
                ON CONFLICT (build) DO UPDATE SET epoch = excluded.epoch, name = excluded.name,
                    session = excluded.session, expires = excluded.expires
                WHERE leader.epoch = $2
                """,
                key + [.integer(old), .text(name), .text(try session.name()), .integer(now + term.milliseconds)])
            return (taken == 1 ? old + 1 : nil, "another")
        }
        guard let taken else { return .standby(leader: leader) }
        epoch = taken
        return .leading
    }

    /// Keeps the lead for another `term`; throws `deposed` where another process has it by now.
    ///
    /// A term that has expired is renewed where nobody else has taken the lead.
    package func renewLead(for term: Duration) throws(CoordinationError) {
        guard let epoch else { return }
        let renewed = try unfenced("keep the lead") { session in
            try session.execute(
                "UPDATE leader SET expires = $3, session = $4 WHERE build = $1 AND epoch = $2",
                [
                    .text(id.text), .integer(epoch), .integer(try now(session) + term.milliseconds),
                    .text(try session.name()),
                ])
        }
        guard renewed == 1 else { throw deposed() }
    }

    /// Gives up the lead, so that another takes it at once.
    package func resign() throws(CoordinationError) {
        guard let epoch else { return }
        _ = try unfenced("resign") { session in
            try session.execute(
                "UPDATE leader SET expires = 0, session = NULL WHERE build = $1 AND epoch = $2",
                [.text(id.text), .integer(epoch)])
        }
    }

    /// Who leads the build, or led it last; nil where nobody did.
    package func leader() throws(CoordinationError) -> Leader? {
        try read("look for the leader") { session in
            let now = try now(session)
            let query = "SELECT name, expires FROM leader WHERE build = $1"
            return try session.query(query, [.text(id.text)]).first.map { row in
                Leader(name: try row.text("name"), isCurrent: try row.integer("expires") > now)
            }
        }
    }

    /// Throws `deposed` unless this process leads, where there are leaders, and keeps it so until the transaction ends.
    func fence(_ session: any SQLSession) throws {
        guard let epoch else { return }
        let query = "SELECT epoch FROM leader WHERE build = $1 AND epoch = $2" + session.forShare
        guard try !session.query(query, [.text(id.text), .integer(epoch)]).isEmpty else { throw deposed() }
    }

    /// Throws `deposed` unless this process leads, where there are leaders: before a file is replaced, which no database fences.
    package func requireLead() throws(CoordinationError) { try unfenced("look for the leader") { try fence($0) } }

    private func deposed() -> CoordinationError {
        CoordinationError(.deposed, "build \(id)", "another coordinator has taken it over: this one ends")
    }
}

extension SQLSession {
    fileprivate var forShare: String { engine == .postgresql ? " FOR SHARE" : "" }

    /// What names this session to another: its process on the server and when it began, because numbers come again.
    fileprivate func name() throws -> String? {
        guard engine == .postgresql else { return nil }
        let query = "SELECT pid || ' ' || backend_start AS name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        return try self.query(query).first?.text("name")
    }

    /// Ends the session of that name, where it still is.
    fileprivate func end(_ name: String) throws {
        guard engine == .postgresql else { return }
        _ = try query(
            """
            SELECT CASE WHEN pg_terminate_backend(pid) THEN 1 ELSE 0 END AS ended FROM pg_stat_activity
            WHERE pid || ' ' || backend_start = $1 AND pid <> pg_backend_pid()
            """, [.text(name)])
    }
}
