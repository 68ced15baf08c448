import Databases
import Dispatch
import Locks
import PostgresDatabases
import Samples
import TestSupport
import Testing

@testable import Coordination

@Suite(
    "A job store in PostgreSQL", .enabled(if: PostgresServer.isInstalled, Comment(rawValue: PostgresServer.missing)))
struct PostgresStoreTests {
    @Test("is one that the conformance suite is run over")
    func conformance() { #expect(StoreKind.allCases.contains(.postgresql)) }

    @Test("holds many builds, which do not touch each other")
    func builds() throws {
        let database = try someServerDatabase()
        let stores = try (0..<2).map { _ in try SQLJobStore(database, build: .random()) }
        for store in stores { try store.plan(units: [2]) }
        try stores[0].publish(try stores[0].lease())
        #expect(try stores.map { try $0.openUnitCount() } == [1, 2])
        #expect(try stores.map { try $0.status().build } == stores.map(\.id))
        let foreign = try stores[1].lease()
        #expect(try stores[0].decide { try $0.renew(foreign) } == .stale)
        #expect(try stores[1].decide { try $0.renew(foreign) } == .accepted)
    }

    @Test("gives each unit to one worker, whoever asks which coordinator at the same time")
    func twoCoordinators() throws {
        let (schema, build) = ("test_" + BuildID.random().text, BuildID.random())
        let stores = try (0..<4).map { _ in try SQLJobStore(someServerDatabase(schema: schema), build: build) }
        try stores[0].plan(units: [40])
        let leased = Locked<[UnitID]>([])
        DispatchQueue.concurrentPerform(iterations: stores.count) { index in
            #expect(throws: Never.self) {
                while true {
                    let grants = try stores[index].acquire(BuildID.random().text, limit: 2)
                    guard !grants.isEmpty else { break }
                    leased.withLock { $0 += grants.map(\.lease.unit) }
                }
            }
        }
        #expect(leased.withLock { Set($0).count } == 40 && leased.withLock(\.count) == 40)
    }

    @Test("lets leases expire by the server's clock")
    func clock() throws {
        let store = try SQLJobStore(try someServerDatabase(), build: .random())
        try store.plan(units: [1])
        let kept = try store.lease()
        #expect(try store.decide { try $0.expire() }.isEmpty)
        var policy = LeasePolicy()
        policy.duration = .milliseconds(1)
        let short = try store.transact(under: policy) { leases throws(CoordinationError) in try leases.renew(kept) }
        #expect(short == .accepted)
        var expired: [CountedFailure] = []
        while expired.isEmpty { expired = try store.decide { try $0.expire() } }
        #expect(expired.map(\.lease) == [kept])
    }
}
