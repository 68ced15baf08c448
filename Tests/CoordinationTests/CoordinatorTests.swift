import Coordination
import Foundation
import Samples
import Testing

@Suite struct CoordinatorTests {
    @Test("hands out units in order, waits while others hold them, and is done when all are published")
    func wholeBuild() async throws {
        let bench = try await Bench(units: 2)
        let first = try await bench.lease("w1")
        let second = try await bench.lease("w2")
        #expect((first.unit.index, second.unit.index) == (0, 1))
        #expect(try await bench.acquire("w1", "3") == .wait(.seconds(1)))
        for lease in [first, second] {
            #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
        }
        #expect(try await bench.acquire("w1", "4") == .done(failedUnits: 0))
        #expect(bench.place.leases == [first, second])
        #expect(try bench.store.status().phase == .finished)
    }

    @Test("a repeated request for work finds its grant again, another one does not")
    func repeatedRequest() async throws {
        let bench = try await Bench(units: 2)
        let first = try await bench.acquire("w", "1")
        #expect(try await bench.acquire("w", "1") == first)
        #expect(try await bench.acquire("other", "1") != first)
    }

    @Test("after three failures a unit is named and nothing is left to do")
    func threeFailures() async throws {
        let bench = try await Bench(units: 1)
        for attempt in 1...3 {
            let lease = try await bench.lease("w\(attempt)")
            #expect(try await bench.coordinator.fail(lease, message: "attempt \(attempt)") == .accepted)
            #expect(try await bench.coordinator.fail(lease, message: "again") == .stale)
        }
        #expect(try await bench.acquire("w4", "1") == .done(failedUnits: 1))
        let status = try await bench.coordinator.status()
        #expect(status.phase == .failed)
        #expect(status.failedUnits.map(\.message) == ["attempt 3"])
        #expect(status.failedUnits.first?.unit.shardName == "a-000000")
    }

    @Test("an expired lease is a failure, its unit goes to another, and its holder can do no more with it")
    func expiredLease() async throws {
        let bench = try await Bench(units: 1)
        let zombie = try await bench.lease("zombie")
        bench.clock.advance(by: .seconds(100))
        #expect(try await bench.coordinator.renew(zombie) == .accepted)
        bench.clock.advance(by: .seconds(119))
        #expect(try await bench.acquire("w", "1") == .wait(.seconds(1)))
        bench.clock.advance(by: .seconds(1))
        #expect(try await bench.coordinator.hangs("zombie"))
        let lease = try await bench.lease("w")
        #expect(lease.generation == 2)
        #expect(try await bench.coordinator.renew(zombie) == .stale)
        #expect(try await bench.coordinator.publish(zombie, someResult(9)) == .stale)
        #expect(try await bench.coordinator.release(zombie) == .stale)
        #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
        #expect(try await bench.coordinator.publish(zombie, someResult()) == .stale)
        #expect(bench.place.leases == [lease])
    }

    @Test("the end of a worker frees its units at once; only an end that was not asked for is a failure")
    func workerEnds() async throws {
        let bench = try await Bench(units: 1)
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
        let bench = try await Bench(units: 3)
        var deaths = 0
        while let grant = try await bench.acquire().grant {
            let neighbour = try await bench.acquire().grant
            if grant.unit.index == 0 || neighbour?.unit.index == 0 {
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

    @Test("a new coordinator goes on with the leases that it finds: a restart costs nothing")
    func takeOver() async throws {
        let first = try await Bench(units: 2)
        let answer = try await first.acquire("w", "1")
        first.clock.advance(by: .seconds(1000))
        let second = try await Bench(first.store, clock: first.clock)
        #expect(try await second.acquire("w", "1") == answer)
        #expect(try await second.coordinator.publish(try #require(answer.grant).lease, someResult()) == .accepted)
    }

    @Test("a new coordinator whose workers ended with the former one takes their units back without a failure")
    func release() async throws {
        let first = try await Bench(units: 1)
        let lost = try await first.lease()
        let second = try await Bench(first.store, clock: first.clock, .released)
        #expect(try await second.coordinator.publish(lost, someResult()) == .stale)
        let again = try await second.lease()
        #expect(again.generation == 2)
        #expect(try second.store.fail(again)?.failures == 1)
    }

    @Test("two coordinators over one store are one: neither hands out what the other has, and any takes in the result")
    func two() async throws {
        let first = try await Bench(units: 2)
        let second = try await Bench(first.store, clock: first.clock)
        let leases = [try await first.lease(), try await second.lease()]
        #expect(leases.map(\.unit.index) == [0, 1])
        #expect(try await first.coordinator.publish(leases[1], someResult()) == .accepted)
        #expect(try await second.coordinator.publish(leases[1], someResult()) == .accepted)
        #expect(try await second.coordinator.publish(leases[0], someResult()) == .accepted)
        #expect(first.place.leases == [leases[1]] && second.place.leases == [leases[0]])
        #expect(try await first.acquire() == .done(failedUnits: 0))
    }

    @Test("a process that was replaced by another of its name is told so")
    func replaced() async throws {
        let bench = try await Bench(units: 2)
        let lease = try await bench.lease("w")
        let next = try await bench.coordinator.acquire(worker: "w", incarnation: "2", request: "1")
        #expect(next.grant?.unit.index == 0, "the former process is no fault of its unit")
        #expect(try await bench.acquire("w") == .replaced)
        #expect(try await bench.coordinator.publish(lease, someResult()) == .stale)
    }

    @Test("does not start on a plan that is not whole")
    func unfinishedPlan() async throws {
        let store = MemoryJobStore()
        _ = try store.beginPlan(of: someBuild(), sources: ["a"])
        await #expect(throws: CoordinationError.self) { try await Bench(store, clock: ManualClock()) }
    }

    @Test("tells who works how fast, how many rows are done, and which leases a worker has lost")
    func progress() async throws {
        let bench = try await Bench(units: 2)
        let lease = try await bench.lease()
        let lost = Lease(unit: bench.store.unit(1), worker: "w", incarnation: "1", generation: 7)
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
        let bench = try await Bench(units: 2)
        #expect(try await bench.coordinator.publish(try await bench.lease(), someResult()) == .accepted)
        let status = try await bench.coordinator.status()
        let data = try encodeJSON(status)
        #expect(try decodeJSON(BuildStatus.self, from: data) == status)
        #expect(String(decoding: data, as: UTF8.self).contains(#""rejections":{"http_error":3}"#))
    }
}
