import Databases
import Samples

/// Decisions about leases in one transaction of a database.
///
/// Each is a statement that changes a unit only where it is as the decision wants it, found by its key; so it holds whoever else
/// changes units at the same time. `SQLPublishing.swift` has the ones about publishing.
final class SQLTransaction: LeaseTransaction {
    /// The condition of every write under a lease: the first parameters are `key(_:)`.
    static let isHolder = """
        build = $1 AND source = $2 AND number = $3 AND worker = $4 AND incarnation = $5 AND generation = $6
        """
    /// That a unit, found by its key, is in one of `states`.
    ///
    /// It is not said as the partial indexes say it: PostgreSQL would rather search one of those, with all that is dead in it.
    static func isIn(_ states: String...) -> String {
        "lower(state) IN (\(states.map { "'\($0)'" }.joined(separator: ", ")))"
    }
    /// What a unit loses that nobody holds any more.
    static let freed = "worker = NULL, incarnation = NULL, request = NULL, expires = NULL, publishing = NULL"
    /// Units that may be leased.
    static let waiting = "state = 'waiting'"
    /// Those that never failed; were it `= 0`, the primary key would be in the wanted order too, and PostgreSQL would pass over all
    /// that is published.
    static let fresh = "state = 'waiting' AND failures < 1"

    let session: any SQLSession
    let policy: LeasePolicy
    let sources: SourceNames
    /// In milliseconds, of the clock that leases expire by.
    let now: Int
    /// What the database refused; nothing is committed after it.
    private(set) var fault: DatabaseError?
    /// What this transaction has published, by source: added to the running sums at its end.
    var sums: [String: SourceSums] = [:]

    init(_ session: any SQLSession, _ policy: LeasePolicy, _ sources: SourceNames, now: Int) {
        (self.session, self.policy, self.sources, self.now) = (session, policy, sources, now)
    }

    /// When a lease expires that is granted or renewed now.
    var expiry: SQLValue { .integer(now + policy.duration.milliseconds) }

    private var build: SQLValue { .text(sources.build.text) }

    /// Runs `body`, and notes what the database refuses.
    func sql<Value>(_ body: () throws -> Value) throws(CoordinationError) -> Value {
        do {
            return try body()
        } catch {
            fault = fault ?? error as? DatabaseError
            throw storeError("change leases", error)
        }
    }

    /// The parameters of `isHolder`; nil where the build has no such source.
    func key(_ lease: Lease) -> [SQLValue]? {
        sources.key(lease.unit).map {
            $0 + [.text(lease.worker), .text(lease.incarnation), .integer(lease.generation)]
        }
    }

    // MARK: Granting

    func acquire(_ request: LeaseRequest) throws(CoordinationError) -> Acquired {
        try sql {
            guard try isLatest(request) else { return .replaced }
            let rows = try session.query(
                unitQuery("worker = $2 AND state IN ('leased', 'publishing') ORDER BY source, number"),
                [build, .text(request.worker)])
            let held = try rows.map { (lease: try sources.lease($0), row: $0) }
            let own = held.filter { $0.lease.incarnation == request.incarnation }
            var freed = 0
            for former in held where former.lease.incarnation != request.incarnation {
                // What is being published stays until that has ended.
                if try release(former.lease) == .accepted { freed += 1 }
            }
            let granted = try own.filter { try $0.row.text("request") == request.name }
            guard granted.isEmpty else {
                for grant in granted { _ = try renew(grant.lease) }
                return .granted(try granted.map { try grant($0.lease, $0.row) })
            }
            let admission = Admission(holding: held.count - freed, policy)
            return .granted(try lease(admission, request))
        }
    }

    /// Whether no later process of the worker's name has asked for work.
    private func isLatest(_ request: LeaseRequest) throws -> Bool {
        let known = try session.query(
            "SELECT number, incarnation FROM incarnation WHERE build = $1 AND worker = $2 ORDER BY number DESC LIMIT 1",
            [build, .text(request.worker)]
        ).first
        if try known?.text("incarnation") == request.incarnation { return true }
        let key: [SQLValue] = [build, .text(request.worker), .text(request.incarnation)]
        let former = "SELECT number FROM incarnation WHERE build = $1 AND worker = $2 AND incarnation = $3"
        guard try session.query(former, key).isEmpty else { return false }
        try session.execute(
            "INSERT INTO incarnation (build, worker, incarnation, number) VALUES ($1, $2, $3, $4)",
            key + [.integer((try known?.integer("number") ?? 0) + 1)])
        return true
    }

    /// Leases what a worker may have, in the order in which it is due.
    private func lease(_ admission: Admission, _ request: LeaseRequest) throws -> [LeaseGrant] {
        switch admission {
        case .noUnit: return []
        case .freshUnits(let most): return try lease(Self.fresh, min(request.limit, most), request)
        case .anyUnit:
            let fresh = try lease(Self.fresh, min(request.limit, policy.unitsPerWorker), request)
            return fresh.isEmpty && request.limit > 0 ? try lease(Self.waiting, 1, request) : fresh
        }
    }

    private func lease(_ condition: String, _ limit: Int, _ request: LeaseRequest) throws -> [LeaseGrant] {
        let rows = try session.query(
            Self.leasing(condition, limit, session.engine),
            [build, .text(request.worker), .text(request.incarnation), .text(request.name), expiry])
        return try rows.map { row in
            LeaseGrant(lease: try sources.lease(row), unit: try sources.workUnit(row), duration: policy.duration)
        }.sorted { first, second in (first.unit.source, first.unit.index) < (second.unit.source, second.unit.index) }
    }

    /// Leases units of the build `$1`, at most `limit`; found by index and locked one by one, passing over those that another
    /// coordinator has locked.
    ///
    /// The limit is in the text because PostgreSQL takes a parameter for a tenth of the table, and would read all of it.
    static func leasing(_ condition: String, _ limit: Int, _ engine: SQLEngine) -> String {
        """
        WITH due AS MATERIALIZED (
            SELECT source, number FROM unit WHERE build = $1 AND \(condition)
            ORDER BY failures, source, number LIMIT \(limit) \(engine == .postgresql ? "FOR UPDATE SKIP LOCKED" : "")
        )
        UPDATE unit SET state = 'leased', worker = $2, incarnation = $3, generation = unit.generation + 1, request = $4,
            expires = $5
        FROM due WHERE unit.build = $1 AND unit.source = due.source AND unit.number = due.number
        RETURNING \(unitColumns)
        """
    }

    private func grant(_ lease: Lease, _ row: SQLRow) throws -> LeaseGrant {
        LeaseGrant(lease: lease, unit: try sources.workUnit(row), duration: policy.duration)
    }

    func openUnitCount() throws(CoordinationError) -> Int {
        try addSums()
        return try sql { try session.openUnitCount(of: sources.build) }
    }

    func failedUnitCount() throws(CoordinationError) -> Int {
        try sql { try session.failedUnitCount(of: sources.build) }
    }

    // MARK: Holding

    func renew(_ lease: Lease) throws(CoordinationError) -> LeaseStanding {
        try change(
            lease, "UPDATE unit SET expires = $7 WHERE \(Self.isHolder) AND \(Self.isIn("leased", "publishing"))",
            [expiry])
    }

    func lost(among leases: [Lease]) throws(CoordinationError) -> [Lease] {
        try sql {
            let held = try Set(leases.map(\.worker)).sorted().flatMap { worker in
                try session.query(
                    unitQuery("worker = $2 AND state IN ('leased', 'publishing')"), [build, .text(worker)]
                ).map(sources.lease)
            }
            let current = Set(held)
            return leases.filter { !current.contains($0) }
        }
    }

    func expire() throws(CoordinationError) -> [CountedFailure] {
        try sql {
            let late = try session.query(
                unitQuery("state = 'leased' AND expires <= $2 ORDER BY expires, source, number LIMIT 1000"),
                [build, .integer(now)])
            return try late.map(sources.lease).compactMap { lease in
                try count(lease, policy.expiryMessage(lease.worker), orPast: now)
            }
        }
    }

    func release(_ lease: Lease) throws(CoordinationError) -> LeaseStanding {
        try change(
            lease, "UPDATE unit SET state = 'waiting', \(Self.freed) WHERE \(Self.isHolder) AND \(Self.isIn("leased"))")
    }

    func fail(_ lease: Lease, message: String) throws(CoordinationError) -> CountedFailure? {
        try sql { try count(lease, message) }
    }

    /// Runs `statement` for the unit of `lease`; whether it changed it.
    func change(
        _ lease: Lease, _ statement: String, _ more: [SQLValue] = []
    ) throws(CoordinationError) -> LeaseStanding {
        try sql {
            guard let key = key(lease) else { return .stale }
            return try session.execute(statement, key + more) == 1 ? .accepted : .stale
        }
    }

    /// Counts a failure of the unit of `lease` while it is in `state`; nil where it is not, or was renewed after `orPast`.
    func count(
        _ lease: Lease, _ message: String, in state: String = "leased", orPast: Int? = nil
    ) throws -> CountedFailure? {
        guard let key = key(lease) else { return nil }
        let message = String(message.replacing("\0", with: " ").prefix(failureMessageLimit))
        let isLate = orPast == nil ? "" : "AND expires <= $10"
        let row = try session.query(
            """
            UPDATE unit SET state = CASE WHEN failures + 1 >= $7 THEN 'failed' ELSE 'waiting' END,
                failures = failures + 1, last_error = $8, \(Self.freed)
            WHERE \(Self.isHolder) AND lower(state) = $9 \(isLate) RETURNING failures
            """,
            key + [.integer(policy.failureLimit), .text(message), .text(state)] + (orPast.map { [.integer($0)] } ?? [])
        ).first
        guard let failures = try row?.integer("failures") else { return nil }
        let isFinal = policy.isFinal(failures: failures)
        if isFinal {
            try session.execute(
                "UPDATE source SET failed_units = failed_units + 1 WHERE build = $1 AND position = $2",
                Array(key.prefix(2)))
        }
        return CountedFailure(lease: lease, failures: failures, isFinal: isFinal, message: message)
    }

    /// Adds what was published to the running sums.
    func addSums() throws(CoordinationError) {
        try sql {
            for (name, sums) in sums.sorted(by: { $0.key < $1.key }) {
                guard let position = sources.names.firstIndex(of: name) else { continue }
                try session.add(sums, to: [build, .integer(position)])
            }
        }
        sums = [:]
    }

    // MARK: Ends

    func endWorker(
        _ worker: String, incarnation: String?, message: String?
    ) throws(CoordinationError) -> [CountedFailure] {
        let held = try sql {
            try session.query(unitQuery("worker = $2 AND state IN ('leased', 'publishing')"), [build, .text(worker)])
                .map(sources.lease)
        }
        var failures: [CountedFailure] = []
        for lease in held where incarnation == nil || lease.incarnation == incarnation {
            if let message {
                if let failure = try fail(lease, message: message) { failures.append(failure) }
            } else {
                _ = try release(lease)
            }
        }
        return failures
    }

    func adopt() throws(CoordinationError) {
        try sql {
            _ = try session.execute(
                "UPDATE unit SET expires = $2 WHERE build = $1 AND state IN ('leased', 'publishing')", [build, expiry])
        }
    }

    func releaseAll() throws(CoordinationError) {
        try sql {
            try session.execute(
                "UPDATE unit SET state = 'waiting', \(Self.freed) WHERE build = $1 AND state = 'leased'", [build])
            try session.execute("UPDATE source SET rows_in_flight = 0, rows_per_second = 0 WHERE build = $1", [build])
        }
    }
}
