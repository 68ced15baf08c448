import Coordination
import Foundation
import Locks
import Logging
import Samples
import Testing

/// Where finished files go; can be told to fail.
final class Place: Sendable {
    private let content = Locked<(leases: [Lease], fault: CoordinationError?)>(([], nil))
    var leases: [Lease] { content.withLock { $0.leases } }
    func setFault(_ fault: CoordinationError?) { content.withLock { $0.fault = fault } }

    func put(_ lease: Lease) throws {
        try content.withLock { content in
            if let fault = content.fault { throw fault }
            content.leases.append(lease)
        }
    }
}

/// A coordinator with a clock that stands still.
struct Bench {
    let store: any JobStore
    let clock = ManualClock()
    let place = Place()
    let coordinator: Coordinator

    init(_ store: any JobStore, policy: LeasePolicy = LeasePolicy()) throws {
        self.store = store
        coordinator = try Coordinator(
            store: store, policy: policy, clock: clock, wallClock: { Date(timeIntervalSince1970: 1000) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            publishFiles: { [place] _, lease, _ in try place.put(lease) })
    }

    /// A bench over a new store with one source of `units` units.
    init(units: Int) throws {
        let store = InMemoryJobStore()
        try store.plan(units: [units])
        try self.init(store)
    }

    /// The next lease of `worker`.
    func lease(_ worker: String = "w") async throws -> Lease {
        try #require(try await coordinator.acquire(worker: worker, request: UUID().uuidString).grant).lease
    }
}

@Suite struct CoordinatorTests {
    @Test("hands out units in order, waits while others hold them, and is done when all are published")
    func wholeBuild() async throws {
        let bench = try Bench(units: 2)
        let first = try await bench.lease("w1")
        let second = try await bench.lease("w2")
        #expect((first.unit, second.unit) == (0, 1))
        #expect(try await bench.coordinator.acquire(worker: "w1", request: "3") == .wait(.seconds(1)))
        for lease in [first, second] {
            #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
        }
        #expect(try await bench.coordinator.acquire(worker: "w1", request: "4") == .done)
        #expect(bench.place.leases == [first, second])
        #expect(try bench.store.status().phase == .finished)
    }

    @Test("a repeated request for work finds its grant again, another one does not")
    func repeatedRequest() async throws {
        let bench = try Bench(units: 2)
        let first = try await bench.coordinator.acquire(worker: "w", request: "1")
        #expect(try await bench.coordinator.acquire(worker: "w", request: "1") == first)
        #expect(try await bench.coordinator.acquire(worker: "other", request: "1") != first)
    }

    @Test("a repeated publish is accepted again, also by the next coordinator; another result is not")
    func repeatedPublish() async throws {
        let bench = try Bench(units: 1)
        let lease = try await bench.lease()
        for _ in 0..<2 { #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted) }
        let next = try Bench(bench.store)
        #expect(try await next.coordinator.publish(lease, someResult()) == .accepted)
        #expect(try await next.coordinator.publish(lease, someResult(2)) == .stale)
        #expect(bench.place.leases == [lease] && next.place.leases.isEmpty)
    }

    @Test("after three failures a unit is named and nothing is left to do")
    func threeFailures() async throws {
        let bench = try Bench(units: 1)
        for attempt in 1...3 {
            let lease = try await bench.lease("w\(attempt)")
            #expect(try await bench.coordinator.fail(lease, message: "attempt \(attempt)") == .accepted)
            #expect(try await bench.coordinator.fail(lease, message: "again") == .stale)
        }
        #expect(try await bench.coordinator.acquire(worker: "w4", request: "1") == .done)
        let status = try await bench.coordinator.status()
        #expect(status.phase == .failed)
        #expect(status.failedUnits.map(\.message) == ["attempt 3"])
        #expect(status.failedUnits.first?.unit.shardName == "a-000000")
    }

    @Test("an expired lease is a failure, its unit goes to another, and its holder can do no more with it")
    func expiredLease() async throws {
        let bench = try Bench(units: 1)
        let zombie = try await bench.lease("zombie")
        bench.clock.advance(by: .seconds(100))
        #expect(await bench.coordinator.renew(zombie) == .accepted)
        bench.clock.advance(by: .seconds(119))
        #expect(try await bench.coordinator.acquire(worker: "w", request: "1") == .wait(.seconds(1)))
        bench.clock.advance(by: .seconds(1))
        #expect(try await bench.coordinator.hangs("zombie"))
        let lease = try await bench.lease("w")
        #expect(lease.generation == 2)
        #expect(await bench.coordinator.renew(zombie) == .stale)
        #expect(try await bench.coordinator.publish(zombie, someResult(9)) == .stale)
        #expect(try await bench.coordinator.release(zombie) == .stale)
        #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
        #expect(try await bench.coordinator.publish(zombie, someResult()) == .stale)
        #expect(bench.place.leases == [lease])
    }

    @Test("the end of a worker frees its units at once; only an end that was not asked for is a failure")
    func workerEnds() async throws {
        let bench = try Bench(units: 1)
        for _ in 0..<5 {
            _ = try await bench.lease()
            #expect(try await bench.coordinator.workerEnded("w", message: nil))
        }
        for _ in 0..<3 {
            _ = try await bench.lease()
            #expect(try await bench.coordinator.workerEnded("w", message: "worker w was killed by signal 9"))
        }
        #expect(try await bench.coordinator.status().failedUnits.map(\.failures) == [3])
        #expect(try await bench.coordinator.workerEnded("never seen", message: nil) == false)
    }

    @Test("a unit that kills its worker takes no neighbour with it")
    func innocentNeighbour() async throws {
        let bench = try Bench(units: 3)
        var deaths = 0
        while case .granted(let grant) = try await bench.coordinator.acquire(worker: "w", request: UUID().uuidString) {
            let neighbour = try await bench.coordinator.acquire(worker: "w", request: UUID().uuidString).grant
            if grant.unit.id == 0 || neighbour?.unit.id == 0 {
                _ = try await bench.coordinator.workerEnded("w", message: "killed")
                deaths += 1
            } else {
                for lease in [grant.lease, neighbour?.lease].compactMap({ $0 }) {
                    #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
                }
            }
        }
        #expect(deaths == 3)
        let total = try await bench.coordinator.status().total
        #expect((total.publishedUnits, total.failedUnits) == (2, 1))
    }

    @Test("a result that does not account for every row of its unit is refused")
    func badResults() async throws {
        let bench = try Bench(units: 1)
        let lease = try await bench.lease()
        let good = someResult()
        let bad = [
            ["http_error": 3, "timeout": 1], ["http_error": 0], ["http_error": 13, "timeout": -10], ["bad luck": 3],
            [:],
        ].map { rejections in
            UnitResult(
                samples: 7, byteCount: 1, digest: someDigest, tableByteCount: 1, tableDigest: someDigest,
                rejections: rejections)
        }
        for result in bad {
            let error = await #expect(throws: CoordinationError.self) {
                try await bench.coordinator.publish(lease, result)
            }
            #expect(error?.code == .badResult)
        }
        #expect(try await bench.coordinator.publish(lease, good) == .accepted)
    }

    @Test("files that cannot be put in place are a failure of the unit; nothing is recorded")
    func filesNotInPlace() async throws {
        let bench = try Bench(units: 1)
        let lease = try await bench.lease()
        bench.place.setFault(CoordinationError(.publish, "a-000000", "no space left on device"))
        await #expect(throws: CoordinationError.self) { try await bench.coordinator.publish(lease, someResult()) }
        #expect(try bench.store.published(unit: 0) == nil)
        #expect(try bench.store.failures(of: 0) == 1)
        bench.place.setFault(nil)
        #expect(try await bench.coordinator.publish(try await bench.lease(), someResult()) == .accepted)
    }

    @Test(
        "killed between the files and their record, the unit is done again; if only the record failed, it is repeated")
    func recordFails() async throws {
        let store = InMemoryJobStore()
        try store.plan(units: [1])
        let bench = try Bench(store)
        let lease = try await bench.lease()
        store.setFull(true)
        for _ in 0..<2 {
            let error = await #expect(throws: CoordinationError.self) {
                try await bench.coordinator.publish(lease, someResult())
            }
            #expect(error?.code == .store)
        }
        store.setFull(false)
        let next = try Bench(store)
        let again = try await next.lease()
        #expect(try await next.coordinator.publish(lease, someResult()) == .stale)
        #expect(try await next.coordinator.publish(again, someResult()) == .accepted)
        #expect(bench.place.leases == [lease, lease] && next.place.leases == [again])
        #expect(store.failures(of: 0) == 0)
    }

    @Test("a message that the store could not take may be sent again")
    func storeRecovers() async throws {
        let store = InMemoryJobStore()
        try store.plan(units: [2])
        let bench = try Bench(store)
        store.setFull(true)
        await #expect(throws: CoordinationError.self) { try await bench.lease() }
        store.setFull(false)
        let leases = [try await bench.lease(), try await bench.lease()]
        store.setFull(true)
        await #expect(throws: CoordinationError.self) { try await bench.coordinator.publish(leases[0], someResult()) }
        await #expect(throws: CoordinationError.self) { try await bench.coordinator.fail(leases[1], message: "x") }
        await #expect(throws: CoordinationError.self) { try await bench.coordinator.release(leases[1]) }
        store.setFull(false)
        #expect(try await bench.coordinator.publish(leases[0], someResult()) == .accepted)
        #expect(try await bench.coordinator.release(leases[1]) == .accepted)
    }

    @Test("a full disk fails no unit and no heartbeat: what waits for room is sent again")
    func fullDisk() async throws {
        let store = InMemoryJobStore()
        try store.plan(units: [1])
        let bench = try Bench(store)
        let lease = try await bench.lease()
        bench.place.setFault(CoordinationError(.store, "shards", "no room", number: ENOSPC))
        let error = await #expect(throws: CoordinationError.self) {
            try await bench.coordinator.publish(lease, someResult())
        }
        #expect(error?.code == .store && error?.number == ENOSPC && store.failures(of: 0) == 0)
        store.setFull(true)
        let report = WorkerReport(worker: "w", counts: WorkerCounts(), units: [])
        #expect(try await bench.coordinator.heartbeat(report).isEmpty)
        store.setFull(false)
        bench.place.setFault(nil)
        #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
    }

    @Test("while files are put in place the lease cannot be taken away, and a second publish is told to come back")
    func publishInProgress() async throws {
        let store = InMemoryJobStore()
        try store.plan(units: [1])
        let clock = ManualClock()
        let entered = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let leave = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let coordinator = try Coordinator(
            store: store, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _, _, _ in
            entered.continuation.yield()
            for await _ in leave.stream { break }
        }
        let lease = try #require(try await coordinator.acquire(worker: "w", request: "1").grant).lease
        async let publishing = coordinator.publish(lease, someResult())
        for await _ in entered.stream { break }
        clock.advance(by: .seconds(10_000))
        #expect(try await coordinator.acquire(worker: "other", request: "1") == .wait(.seconds(1)))
        _ = try await coordinator.workerEnded("w", message: "killed")
        #expect(try await coordinator.fail(lease, message: "no") == .stale)
        let error = await #expect(throws: CoordinationError.self) { try await coordinator.publish(lease, someResult()) }
        #expect(error?.code == .busy)
        leave.continuation.yield()
        #expect(try await publishing == .accepted)
        #expect(try store.status().phase == .finished)
    }

    @Test("a new coordinator takes over what was leased without counting a failure")
    func takeOver() async throws {
        let first = try Bench(units: 1)
        let lost = try await first.lease()
        let second = try Bench(first.store)
        #expect(try await second.coordinator.publish(lost, someResult()) == .stale)
        #expect(try await second.lease().generation == 2)
        #expect(try second.store.failures(of: 0) == 0)
    }

    @Test("does not start on a plan that is not whole")
    func unfinishedPlan() throws {
        let store = InMemoryJobStore()
        try store.beginPlan(of: someBuild(), sources: ["a"])
        #expect(throws: CoordinationError.self) { try Bench(store) }
    }

    @Test("tells who works how fast, how many rows are done, and which leases a worker has lost")
    func progress() async throws {
        let bench = try Bench(units: 2)
        let lease = try await bench.lease()
        let lost = Lease(unit: 1, worker: "w", generation: 7)
        for second in 0...20 {
            var counts = WorkerCounts()
            counts.rows = second * 5
            let units = [lease, lost].map { WorkerReport.Progress(lease: $0, rows: 4) }
            let report = WorkerReport(worker: "w", counts: counts, units: units)
            #expect(try await bench.coordinator.heartbeat(report) == [lost])
            bench.clock.advance(by: .seconds(1))
        }
        let status = try await bench.coordinator.status()
        #expect(status.sources.map(\.rowsInFlight) == [4])
        #expect(status.rowsPerSecond == 5)
        #expect(try bench.store.status().workers.map(\.name) == ["w"])
        bench.clock.advance(by: .seconds(60))
        #expect(try await bench.coordinator.status().rowsPerSecond == 0)
        #expect(try await bench.coordinator.workerEnded("w", message: nil))
        #expect(try bench.store.status().workers.isEmpty)
    }

    @Test("status travels as JSON and back")
    func statusAsJSON() async throws {
        let bench = try Bench(units: 2)
        #expect(try await bench.coordinator.publish(try await bench.lease(), someResult()) == .accepted)
        let status = try await bench.coordinator.status()
        let data = try encodeJSON(status)
        #expect(try decodeJSON(BuildStatus.self, from: data) == status)
        #expect(String(decoding: data, as: UTF8.self).contains(#""rejections":{"http_error":3}"#))
    }
}
