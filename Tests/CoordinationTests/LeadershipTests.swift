import Coordination
import Databases
import PostgresDatabases
import Samples
import TestSupport
import Testing

/// Of several coordinators over a store that all can reach one leads, and the database refuses the others.
@Suite struct LeadershipTests {
    private static let term = Duration.seconds(8)

    /// Two handles on the same build, as two processes have them.
    private func withTwo(
        _ kind: StoreKind, _ body: (SQLJobStore, SQLJobStore, ManualClock) throws -> Void
    ) async throws {
        let (clock, id) = (ManualClock(), BuildID.random())
        switch kind {
        case .memory: return
        case .sqlite:
            try await withTemporaryFolder { folder in
                let stores = try (0..<2).map { _ in
                    try SQLJobStore(SQLiteDatabase(path: "\(folder)/build.sqlite"), build: id, clock: clock)
                }
                try body(stores[0], stores[1], clock)
            }
        case .postgresql:
            let stores = try (0..<2).map { _ in
                try SQLJobStore(someServerDatabase(schema: "coordination"), build: id, clock: clock)
            }
            try body(stores[0], stores[1], clock)
        }
    }

    @Test("the second stands by while the first renews, and takes over when it does not", arguments: StoreKind.allCases)
    func takingOver(kind: StoreKind) async throws {
        try await withTwo(kind) { first, second, clock in
            #expect(try first.leader() == nil)
            #expect(try first.lead(as: "first", for: Self.term) == .leading)
            try first.plan(units: [2])
            for _ in 0..<3 {
                clock.advance(by: .seconds(6))
                #expect(try second.lead(as: "second", for: Self.term) == .standby(leader: "first"))
                try first.renewLead(for: Self.term)
            }
            let lease = try first.lease()
            clock.advance(by: .seconds(8))
            #expect(try second.leader().map { [$0.name, "\($0.isCurrent)"] } == ["first", "false"])
            #expect(try second.lead(as: "second", for: Self.term) == .leading)
            #expect(try second.renew(lease) == .accepted)
            try expectDeposed(first, lease)
            #expect(try second.status().total.publishedUnits == 0 && second.renew(lease) == .accepted)
            #expect(try second.leader()?.name == "second")
        }
    }

    /// Whatever the deposed coordinator of `store` tries is refused.
    private func expectDeposed(_ store: SQLJobStore, _ lease: Lease) throws {
        let unit = lease.unit
        let sightings = try RecordedSightings([])
        let attempts: [() throws -> Void] = [
            { try store.renewLead(for: Self.term) }, { _ = try store.renew(lease) }, { try store.publish(lease) },
            { _ = try store.acquire("w") }, { try store.recordOwned(unit: unit) }, { try store.takeBack(unit: unit) },
            { try store.requireLead() }, { try store.retryFailed() }, { try store.disownLeftovers() },
            { try store.recordFinal(unit: unit, someResult()) },
            { try store.decide { leases throws in try leases.recordSightings(sightings, progress: [:]) } },
            { _ = try store.beginPlan(of: someBuild(), sources: []) },
        ]
        for attempt in attempts {
            let error = #expect(throws: CoordinationError.self) { try attempt() }
            #expect(error?.code == .deposed)
        }
        #expect(try store.status().total.units == 2, "it may look")
    }

    @Test(
        "a term that has expired goes on where nobody took over, and one that is given up goes at once",
        arguments: StoreKind.allCases)
    func renewing(kind: StoreKind) async throws {
        try await withTwo(kind) { first, second, clock in
            #expect(try first.lead(as: "first", for: Self.term) == .leading)
            clock.advance(by: .seconds(600))
            try first.renewLead(for: Self.term)
            #expect(try second.lead(as: "second", for: Self.term) == .standby(leader: "first"))
            try first.resign()
            #expect(try second.lead(as: "second", for: Self.term) == .leading)
            #expect(throws: CoordinationError.self) { try first.renewLead(for: Self.term) }
            try second.renewLead(for: Self.term)
        }
    }

    @Test(
        "a leader that is stopped in the middle of a transaction is taken over from, and refused when it goes on",
        .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
    func stoppedInTransaction() async throws {
        try await withTwo(.postgresql) { first, second, clock in
            #expect(try first.lead(as: "first", for: Self.term) == .leading)
            try first.plan(units: [2])
            let lease = try first.lease()
            var runs = 0
            let error = #expect(throws: CoordinationError.self) {
                try first.decide { leases throws in
                    runs += 1
                    // The row of the leader is locked by this transaction now; the process stops, and its term ends.
                    clock.advance(by: .seconds(9))
                    #expect(try second.lead(as: "second", for: Self.term) == .leading)
                    _ = try leases.fail(lease, message: "too late")
                }
            }
            #expect(error?.code == .deposed && runs == 1)
            #expect(try second.renew(lease) == .accepted)
            #expect(try second.fail(lease)?.failures == 1)
        }
    }
}
