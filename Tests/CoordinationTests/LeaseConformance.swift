import Coordination
import Foundation
import Samples
import Testing

/// What every job store promises of leases, tried on each of them.
@Suite struct LeaseConformance {
    @Test(
        "gives units that failed after all others, and alone to a worker that holds nothing",
        arguments: StoreKind.allCases)
    func order(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [4])
            let first = try store.lease()
            #expect(try store.fail(first)?.failures == 1)
            #expect(try store.acquire("w").map(\.lease.unit.index) == [1])
            #expect(try store.acquire("w", limit: 9).map(\.lease.unit.index) == [2, 3])
            #expect(try store.acquire("w").isEmpty, "it holds others")
            let again = try #require(try store.acquire("alone", limit: 9).first).lease
            #expect((again.unit.index, again.generation) == (0, 2))
            #expect(try store.fail(again)?.failures == 2)
        }
    }

    @Test(
        "a request gets as many units as it asks for, in order, and a worker never too many",
        arguments: StoreKind.allCases)
    func batches(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [3, 9])
            for _ in 0..<2 {
                #expect(
                    try store.acquire("w", request: "1", limit: 4).map(\.unit.shardName) == [
                        "a-000000", "a-000001", "a-000002", "b-000000",
                    ])
            }
            #expect(try store.acquire("w", limit: 2).isEmpty, "a worker of this test holds at most four units")
            #expect(try store.acquire("other", limit: 2).map(\.unit.index) == [1, 2])
            #expect(try store.status().sources.map(\.leasedUnits) == [3, 3])
        }
    }

    @Test("names the workers that hold units", arguments: StoreKind.allCases)
    func holders(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [4])
            #expect(try store.leaseHolders().isEmpty)
            _ = try store.acquire("w", limit: 2)
            let other = try store.lease(to: "other")
            #expect(try store.leaseHolders() == ["other", "w"])
            #expect(try store.fail(other)?.failures == 1)
            #expect(try store.leaseHolders() == ["w"])
        }
    }

    @Test("refuses whatever does not come under the current lease, and changes nothing", arguments: StoreKind.allCases)
    func fencing(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2])
            let lease = try store.lease(to: "w")
            func stranger(
                _ unit: UnitID? = nil, _ worker: String = "w", _ incarnation: String = "1", _ generation: Int = 1
            ) -> Lease {
                Lease(unit: unit ?? lease.unit, worker: worker, incarnation: incarnation, generation: generation)
            }
            let strangers = [
                stranger(nil, "w", "1", 2), stranger(nil, "w", "1", 0), stranger(nil, "other"), stranger(nil, "w", "2"),
                stranger(store.unit(1)), stranger(store.unit(9)),
                stranger(UnitID(build: .random(), source: "a", index: 0)),
                stranger(UnitID(build: store.id, source: "no such", index: 0)),
            ]
            let before = try store.status()
            for stranger in strangers {
                #expect(try all(stranger, store) == nil)
                #expect(
                    try store.decide { leases throws in try leases.lost(among: [stranger, lease]) }
                        == [stranger])
            }
            #expect(try store.status() == before)
            try store.publish(lease)
            #expect(try all(lease, store) == .published, "what is repeated is no news")
            #expect(try store.status().total.publishedUnits == 1)
            #expect(try store.publish(lease, someResult(2)) == .stale)
        }
    }

    /// Tries all that can be done under `lease`; nil where nothing was, `published` where only a publish was accepted again.
    private func all(_ lease: Lease, _ store: any JobStore) throws -> PublishStart? {
        try store.decide { leases throws in
            #expect(try leases.renew(lease) == .stale)
            #expect(try leases.release(lease) == .stale)
            #expect(try leases.fail(lease, message: "no") == nil)
            #expect(try leases.abandonPublish(lease, .fails("no")) == nil)
            let start = try leases.beginPublish(lease, someResult())
            #expect(try (leases.commitPublish(lease, asDraft: false) == .accepted) == (start == .published))
            return start == .stale ? nil : start
        }
    }

    @Test("a lease expires unless it is renewed, by the store's clock", arguments: StoreKind.allCases)
    func expiry(kind: StoreKind) async throws {
        try await withStore(kind) { store, clock in
            try store.plan(units: [3])
            let leases = try (0..<3).map { _ in try store.lease() }
            func expire() throws -> [Lease] {
                try store.decide { leases throws in try leases.expire() }.map(\.lease)
            }
            clock.advance(by: .seconds(100))
            #expect(try expire().isEmpty)
            try store.decide { transaction throws in
                #expect(try transaction.renew(leases[1]) == .accepted)
                #expect(try transaction.beginPublish(leases[2], someResult()) != .stale)
            }
            clock.advance(by: .seconds(20))
            #expect(try expire() == [leases[0]])
            #expect(try expire().isEmpty)
            #expect(try store.renew(leases[0]) == .stale)
            clock.advance(by: .seconds(200))
            #expect(try store.renew(leases[1]) == .accepted, "late, but nobody took it away")
            #expect(try expire().isEmpty, "what is being published does not expire")
            clock.advance(by: .seconds(200))
            #expect(try expire() == [leases[1]])
            #expect(try store.lease().generation == 2)
        }
    }

    @Test("a coordinator that starts gives leases their time again, or takes them back", arguments: StoreKind.allCases)
    func adopting(kind: StoreKind) async throws {
        try await withStore(kind) { store, clock in
            try store.plan(units: [2])
            let leases = try (0..<2).map { _ in try store.lease() }
            clock.advance(by: .seconds(1000))
            try store.decide { transaction throws in
                try transaction.adopt()
                #expect(try transaction.expire().isEmpty)
                _ = try transaction.beginPublish(leases[1], someResult())
                try transaction.releaseAll()
                #expect(try transaction.release(leases[0]) == .stale)
                #expect(try transaction.commitPublish(leases[1], asDraft: false) == .accepted)
            }
            let next = try store.lease()
            #expect((next.unit.index, next.generation) == (0, 2))
            #expect(try store.fail(next)?.failures == 1)
        }
    }

    @Test("a publication is kept until it is done or given up", arguments: StoreKind.allCases)
    func publication(kind: StoreKind) async throws {
        try await withStore(kind) { store, clock in
            try store.plan(units: [1])
            var lease = try store.lease()
            let result = someResult()
            for end in [PublishEnd.waits, .fails("disk")] {
                try store.decide { leases throws in
                    #expect(try leases.commitPublish(lease, asDraft: false) == .stale, "nothing was begun")
                    for _ in 0..<2 {
                        guard case .begun = try leases.beginPublish(lease, result) else {
                            Issue.record("not begun")
                            return
                        }
                    }
                    #expect(try leases.beginPublish(lease, someResult(2)) == .stale)
                    #expect(try leases.unfinishedPublications(expired: true).isEmpty)
                    let left = try leases.unfinishedPublications(expired: false)
                    #expect(left.map(\.lease) == [lease] && left.map(\.result) == [result])
                    #expect(try leases.release(lease) == .stale && leases.fail(lease, message: "") == nil)
                    #expect(try leases.endWorker(lease.worker, incarnation: nil, message: "killed").isEmpty)
                }
                clock.advance(by: .seconds(500))
                try store.decide { leases throws in
                    #expect(try leases.unfinishedPublications(expired: true).map(\.lease) == [lease])
                    let failure = try leases.abandonPublish(lease, end)
                    #expect((failure?.failures ?? 0) == (end == .fails("disk") ? 1 : 0))
                    #expect(try leases.unfinishedPublications(expired: false).isEmpty)
                }
                lease = try store.lease()
            }
            #expect(lease.generation == 3)
            #expect(try store.publish(lease, result) != .stale)
        }
    }

    @Test("a result that does not account for its rows is no publication", arguments: StoreKind.allCases)
    func badResult(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [1])
            let lease = try store.lease()
            guard case .badResult(_, let fault) = try store.publish(lease, someResult(rejections: ["timeout": 11]))
            else {
                Issue.record("taken")
                return
            }
            #expect(fault.contains("counts that are no counts"))
            #expect(try store.publish(lease) != .stale)
        }
    }

    @Test(
        "the end of a worker frees its units; only one that was not asked for is a failure",
        arguments: StoreKind.allCases)
    func endOfWorker(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2])
            func end(_ incarnation: String?, _ message: String?) throws -> [Int] {
                try store.decide { leases throws in
                    try leases.endWorker("w", incarnation: incarnation, message: message)
                }.map(\.failures)
            }
            #expect(try store.acquire("w", limit: 2).count == 2)
            #expect(try end("other", "killed").isEmpty && end("1", nil).isEmpty)
            #expect(try store.acquire("w", limit: 2).count == 2)
            #expect(try end(nil, "killed") == [1, 1])
            #expect(try store.status().total.leasedUnits == 0)
        }
    }

    @Test(
        "a new process of a name frees what the former one held, which may not come back", arguments: StoreKind.allCases
    )
    func incarnations(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [3])
            let former = try #require(try store.acquire("w", "old").first).lease
            let next = try store.acquire("w", "new", request: "1")
            #expect(next.map(\.unit.index) == [0], "a process that was killed is no fault of its unit")
            #expect(next.map(\.lease.generation) == [former.generation + 1])
            #expect(try store.renew(former) == .stale)
            let late = LeaseRequest(worker: "w", incarnation: "old", name: "2")
            #expect(try store.decide { leases throws in try leases.acquire(late) } == .replaced)
            #expect(try store.acquire("w", "new", request: "1") == next)
            for number in 0..<5 {
                #expect(try store.acquire("w", "newest \(number)", limit: 2).map(\.unit.index) == [0, 1])
            }
            #expect(try store.status().total.leasedUnits == 2)
            #expect(try store.status().total.failedUnits == 0)
        }
    }

    @Test("all decisions of a transaction are made, or none", arguments: StoreKind.allCases)
    func atomic(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2])
            let lease = try store.lease()
            let before = try store.status()
            #expect(throws: CoordinationError.self) {
                try store.decide { leases throws in
                    _ = try leases.acquire(LeaseRequest(worker: "x", incarnation: "1", name: "1"))
                    _ = try leases.fail(lease, message: "x")
                    throw CoordinationError(.busy, "test", "given up")
                }
            }
            #expect(try store.status() == before)
            #expect(try store.renew(lease) == .accepted)
        }
    }
}
