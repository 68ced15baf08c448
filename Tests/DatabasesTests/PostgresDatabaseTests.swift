import Databases
import Foundation
import Glibc
import Locks
import TestSupport
import Testing

@testable import PostgresDatabases

@Suite(
    "A PostgreSQL database", .serialized,
    .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
struct PostgresDatabaseTests {
    @Test("is used with few connections, which say who they are and how long they wait")
    func settings() throws {
        let server = try PostgresServer.shared.get()
        let schema = newSchema()
        let database = try PostgresDatabase(url: server.url, name: schema, schema: schema)
        try database.migrate([things])
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            #expect(throws: Never.self) {
                if index % 2 == 0 { try database.write { try $0.add(index, "\(index)") } }
                _ = try database.read { try $0.names() }
            }
        }
        let count = try server.administer("SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(schema)'")
        #expect(["2\n", "3\n"].contains(count))
        try database.read { session in
            for (setting, value) in [
                ("statement_timeout", "30s"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "30s"),
                ("client_encoding", "UTF8"),
            ] {
                let row = try #require(try session.query("SHOW \(setting)").first)
                #expect(try row.text(setting) == value)
            }
        }
    }

    @Test("that was stopped and started again is found again; a call waits for it for a while")
    func restarts() throws {
        let server = try PostgresServer()
        var timeouts = PostgresTimeouts()
        timeouts.patience = .milliseconds(300)
        let (patient, impatient) = (try database(server, "a"), try database(server, "a", timeouts))
        try patient.migrate([things])
        try patient.write { try $0.add(1, "one") }
        try impatient.write { try $0.add(2, "two") }
        for crash in [false, true] {
            try server.stop(crash: crash)
            let away = #expect(throws: DatabaseError.self) { try impatient.write { try $0.add(9, "nine") } }
            #expect(away?.code == .unavailable)
            let results = Locked<[Result<[String], any Error>]>([])
            let waiting = Thread {
                let result = Result { try patient.write { try $0.names() } }
                results.withLock { $0.append(result) }
            }
            waiting.start()
            try server.start()
            #expect(try impatient.write { try $0.names() } == ["one", "two"])
            while results.withLock(\.isEmpty) { usleep(10_000) }
            #expect(try results.withLock { $0 }.first?.get() == ["one", "two"])
        }
    }

    @Test("begins a transaction again whose session was terminated before it was committed")
    func terminated() throws {
        let server = try PostgresServer.shared.get()
        let database = try database(server)
        try database.migrate([things])
        var runs = 0
        try database.write { session in
            runs += 1
            try session.add(1, "one")
            if runs < 3 { try terminate(session, server) }
            try session.add(2, "two")
        }
        #expect(runs == 3)
        try database.write { session in
            runs += 1
            if runs == 4 { try terminate(session, server) }
        }
        try database.read { session in
            runs += 1
            if runs == 6 { try terminate(session, server) }
            #expect(try session.names() == ["one", "two"])
        }
        #expect(runs == 7)
        // One that nobody is using.
        let idle = try database.write(process)
        try server.administer("SELECT pg_terminate_backend(\(idle), 5000)")
        #expect(try database.write(process) != idle)
    }

    @Test("notices that another changed the tables under its statements")
    func changedTables() throws {
        let server = try PostgresServer.shared.get()
        let schema = newSchema()
        let database = try database(server, schema)
        try database.migrate([things, owners])
        let look = { (session: any SQLSession) in try session.query("SELECT * FROM thing") }
        try database.write { try $0.add(1, "one") }
        #expect(try database.read(look).count == 1 && database.write(look).count == 1)
        try self.database(server, schema).migrate([things, owners, colours])
        #expect(try database.read(look).first?.text("colour") == "grey")
        #expect(try database.write(look).first?.text("colour") == "grey")
    }

    @Test("says so when it is not known whether a transaction was committed", .timeLimit(.minutes(2)))
    func unknownOutcome() throws {
        let server = try PostgresServer()
        var timeouts = PostgresTimeouts()
        timeouts.answer = .seconds(1)
        let (database, hasty) = (try database(server, "a"), try database(server, "a", timeouts))
        try database.migrate([things, atCommit])
        // The session ends while it commits, before anything is decided.
        let before = #expect(throws: DatabaseError.self) { try database.write { try $0.add(1, "terminate") } }
        #expect(before?.code == .unknownOutcome)
        // The answer takes longer than anybody waits.
        let slow = #expect(throws: DatabaseError.self) { try hasty.write { try $0.add(2, "sleep") } }
        #expect(slow?.code == .unknownOutcome)
        #expect(try database.read { try $0.names() } == [])
        // The session ends after it has committed, before it may say so.
        try database.write { try $0.add(3, "three") }
        try server.administer("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try server.administer("SELECT pg_reload_conf()")
        let after = #expect(throws: DatabaseError.self) { try hasty.write { try $0.add(4, "four") } }
        #expect(after?.code == .unknownOutcome)
        try server.administer("ALTER SYSTEM RESET synchronous_standby_names")
        try server.administer("SELECT pg_reload_conf()")
        while try database.read({ try $0.names() }).count < 2 { usleep(10_000) }
        #expect(try database.read { try $0.names() } == ["three", "four"])
    }

    @Test("cancels a statement that takes too long, and goes on")
    func statementTimeout() throws {
        var timeouts = PostgresTimeouts()
        timeouts.statement = .milliseconds(100)
        let database = try database(try PostgresServer.shared.get(), timeouts: timeouts)
        try database.migrate([things])
        let slow = #expect(throws: DatabaseError.self) {
            try database.write { session in
                try session.add(1, "one")
                _ = try session.query("SELECT pg_sleep(60)")
            }
        }
        #expect(slow?.code == .timeout)
        #expect(try database.write { try $0.names() } == [])
    }

    @Test("is given up when it no longer answers, and another session takes over")
    func stopped() throws {
        var timeouts = PostgresTimeouts()
        timeouts.answer = .milliseconds(500)
        let server = try PostgresServer()
        let database = try database(server, timeouts: timeouts)
        try database.migrate([things])
        var sessions: [pid_t] = []
        try database.write { session in
            sessions.append(pid_t(try process(session)))
            if sessions.count == 1 { kill(sessions[0], SIGSTOP) }
            try session.add(1, "one")
        }
        kill(sessions[0], SIGCONT)
        #expect(sessions.count == 2)
        #expect(try database.read { try $0.names() } == ["one"])
    }

    @Test("does not wait for ever for what another transaction holds")
    func lockTimeout() throws {
        var timeouts = PostgresTimeouts()
        timeouts.lock = .milliseconds(100)
        let server = try PostgresServer.shared.get()
        let schema = newSchema()
        let (first, second) = (try database(server, schema), try database(server, schema, timeouts))
        try first.migrate([things])
        try first.write { session in
            try session.add(1, "one")
            let busy = #expect(throws: DatabaseError.self) { try second.write { try $0.add(1, "two") } }
            #expect(busy?.code == .busy)
        }
        #expect(try second.read { try $0.names() } == ["one"])
    }

    @Test("puts two transactions that hinder each other one after the other")
    func deadlock() throws {
        let server = try PostgresServer.shared.get()
        let schema = newSchema()
        let databases = [try database(server, schema), try database(server, schema)]
        try databases[0].migrate([things])
        try databases[0].write { session in for id in [0, 1] { try session.add(id, "\(id)", 0) } }
        let holding = Locked(0)
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            #expect(throws: Never.self) {
                try databases[index].write { session in
                    let update = "UPDATE thing SET weight = weight + 1 WHERE id = $1"
                    try session.execute(update, [.integer(index)])
                    holding.withLock { $0 += 1 }
                    while holding.withLock({ $0 }) < 2 { usleep(1000) }
                    try session.execute(update, [.integer(1 - index)])
                }
            }
        }
        let weights = try databases[0].read { try $0.query("SELECT weight FROM thing") }
        #expect(try weights.map { try $0.real("weight") } == [2, 2])
    }

    // MARK: Tools

    /// A deferred trigger that does, while a transaction commits, what a row's name says.
    private let atCommit = SQLMigration(2, "at commit") { _ in
        """
        CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.name = 'terminate' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
            IF NEW.name = 'sleep' THEN PERFORM pg_sleep(3); END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON thing
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION act();
        """
    }

    private func database(
        _ server: PostgresServer, _ schema: String = newSchema(), _ timeouts: PostgresTimeouts = .init()
    ) throws -> PostgresDatabase {
        try PostgresDatabase(url: server.url, schema: schema, timeouts: timeouts)
    }

    private func database(_ server: PostgresServer, timeouts: PostgresTimeouts) throws -> PostgresDatabase {
        try database(server, newSchema(), timeouts)
    }

    private func process(_ session: any SQLSession) throws -> Int {
        try #require(try session.query("SELECT pg_backend_pid() AS process").first).integer("process")
    }

    /// Ends the server's side of `session`, as an operator would.
    private func terminate(_ session: any SQLSession, _ server: PostgresServer) throws {
        try server.administer("SELECT pg_terminate_backend(\(process(session)), 5000)")
    }
}
