import Coordination
import Foundation
import Locks
import Logging
import Samples
import Testing

/// Where finished files go; can be told to fail.
final class Place: Sendable {
    private let content = Locked<(leases: [Lease], fault: CoordinationError?)>(([], nil))
    private let gone = Locked<[Lease]>([])
    private let isLocked = Locked(false)
    var discarded: [Lease] { gone.withLock { $0 } }
    /// From now on nothing can be removed, or it can again.
    func setLocked(_ value: Bool) { isLocked.withLock { $0 = value } }

    func discard(_ lease: Lease) throws {
        if isLocked.withLock({ $0 }) { throw CoordinationError(.publish, "scratch", "permission denied") }
        gone.withLock { $0.append(lease) }
    }

    var leases: [Lease] { content.withLock { $0.leases } }
    func setFault(_ fault: CoordinationError?) { content.withLock { $0.fault = fault } }

    func put(_ lease: Lease) throws {
        try content.withLock { content in
            if let fault = content.fault { throw fault }
            content.leases.append(lease)
        }
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A coordinator with a clock that stands still.
struct Bench {
    let store: any JobStore
    let clock: ManualClock
    let place = Place()
    let coordinator: Coordinator

    /// A coordinator that has taken over `store`, whose clock is `clock`.
    init(
        _ store: any JobStore, clock: ManualClock, _ leases: Coordinator.FormerLeases = .kept
    ) async throws {
        self.store = store
        self.clock = clock
        coordinator = try Coordinator(
            store: store, clock: clock, wallClock: { Date(timeIntervalSince1970: 1000) }, logger: silent,
            discardFiles: { [place] _, lease in try place.discard(lease) },
            publishFiles: { [place] _, lease, _ in try place.put(lease) })
        try await coordinator.takeOver(leases)
    }

    /// A bench over a new store with one source of `units` units.
    init(units: Int) async throws {
        let clock = ManualClock()
        let store = MemoryJobStore(clock: clock)
        try store.plan(units: [units])
        try await self.init(store, clock: clock)
    }

    /// What `worker` is told when it asks for work.
    func acquire(
        _ worker: String = "w", _ request: String = UUID().uuidString, limit: Int = 1
    ) async throws(CoordinationError) -> LeaseAnswer {
        try await coordinator.acquire(worker: worker, incarnation: "1", request: request, limit: limit)
    }

    /// The next lease of `worker`.
    func lease(_ worker: String = "w") async throws -> Lease {
        try #require(try await acquire(worker).grant).lease
    }
}

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
        #expect(try await bench.acquire("w1", "4") == .done)
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

    @Test("a repeated publish is accepted again, also by the next coordinator; another result is not")
    func repeatedPublish() async throws {
        let bench = try await Bench(units: 1)
        let lease = try await bench.lease()
        for _ in 0..<2 { #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted) }
        let next = try await Bench(bench.store, clock: bench.clock)
        #expect(try await next.coordinator.publish(lease, someResult()) == .accepted)
        #expect(try await next.coordinator.publish(lease, someResult(2)) == .stale)
        #expect(bench.place.leases == [lease] && next.place.leases.isEmpty)
    }

    @Test("after three failures a unit is named and nothing is left to do")
    func threeFailures() async throws {
        let bench = try await Bench(units: 1)
        for attempt in 1...3 {
            let lease = try await bench.lease("w\(attempt)")
            #expect(try await bench.coordinator.fail(lease, message: "attempt \(attempt)") == .accepted)
            #expect(try await bench.coordinator.fail(lease, message: "again") == .stale)
        }
        #expect(try await bench.acquire("w4", "1") == .done)
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

    @Test("a result that does not account for every row of its unit is refused")
    func badResults() async throws {
        let bench = try await Bench(units: 1)
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
        let bench = try await Bench(units: 1)
        let lease = try await bench.lease()
        bench.place.setFault(CoordinationError(.publish, "a-000000", "no space left on device"))
        await #expect(throws: CoordinationError.self) { try await bench.coordinator.publish(lease, someResult()) }
        #expect(try bench.store.published(unit: bench.store.unit(0)) == nil)
        bench.place.setFault(nil)
        #expect(try await bench.coordinator.publish(try await bench.lease(), someResult()) == .accepted)
    }

    @Test("killed while files are put in place, the next coordinator puts the rest in place and records it")
    func rollForward() async throws {
        let bench = try await Bench(units: 2)
        let store = FaultyStore(bench.store)
        let killed = try Coordinator(
            store: store, clock: bench.clock, logger: silent, discardFiles: { _, _ in },
            publishFiles: { _, _, _ in store.setFault(.dead) })
        let leases = [try await bench.lease(), try await bench.lease()]
        await #expect(throws: CoordinationError.self) { try await killed.publish(leases[0], someResult()) }
        #expect(try bench.store.published(unit: leases[0].unit) == nil)
        let next = try await Bench(bench.store, clock: bench.clock)
        #expect(next.place.leases == [leases[0]])
        #expect(try next.store.published(unit: leases[0].unit)?.result == someResult())
        #expect(try await next.coordinator.publish(leases[0], someResult()) == .accepted)
        #expect(try await next.coordinator.publish(leases[1], someResult()) == .accepted)
    }

    @Test("a publication whose files are gone is given up: its unit waits again, and no failure is counted")
    func rollBack() async throws {
        let bench = try await Bench(units: 1)
        let lease = try await bench.lease()
        try bench.store.decide { leases throws in _ = try leases.beginPublish(lease, someResult()) }
        bench.clock.advance(by: .seconds(500))
        bench.place.setFault(CoordinationError(.store, "shards", "no room", number: ENOSPC))
        try await bench.coordinator.finishPublications(expired: true)
        #expect(try await bench.acquire("other") == .wait(.seconds(1)), "there may be room later")
        bench.place.setFault(CoordinationError(.publish, "a-000000", "no such file"))
        try await bench.coordinator.finishPublications(expired: true)
        bench.place.setFault(nil)
        #expect(bench.place.discarded == [lease], "so that nobody who was stopped before goes on with them")
        #expect(try await bench.coordinator.publish(lease, someResult()) == .stale)
        let again = try await bench.lease()
        #expect(again.generation == 2)
        #expect(try bench.store.fail(again)?.failures == 1)
    }

    @Test("a message that the store could not take may be sent again, also one that it took without an answer")
    func storeRecovers() async throws {
        let (base, clock) = (MemoryJobStore(), ManualClock())
        let store = FaultyStore(base)
        try store.plan(units: [2])
        let bench = try await Bench(store, clock: clock)
        var leases: [Lease] = []
        for request in ["1", "2"] {
            for fault in [FaultyStore.Fault.full, .lostAnswers] {
                store.setFault(fault)
                await #expect(throws: CoordinationError.self) { try await bench.acquire("w", request) }
            }
            store.setFault(nil)
            leases.append(try #require(try await bench.acquire("w", request).grant).lease)
        }
        #expect(leases.map(\.generation) == [1, 1])
        for fault in [FaultyStore.Fault.full, .lostAnswers] {
            store.setFault(fault)
            await #expect(throws: CoordinationError.self) {
                try await bench.coordinator.publish(leases[0], someResult())
            }
            await #expect(throws: CoordinationError.self) { try await bench.coordinator.renew(leases[1]) }
        }
        store.setFault(nil)
        #expect(try await bench.coordinator.publish(leases[0], someResult()) == .accepted)
        #expect(try await bench.coordinator.release(leases[1]) == .accepted)
    }

    @Test("a full disk fails no unit and no heartbeat: what waits for room is sent again")
    func fullDisk() async throws {
        let store = FaultyStore(MemoryJobStore())
        try store.plan(units: [1])
        let bench = try await Bench(store, clock: ManualClock())
        let lease = try await bench.lease()
        bench.place.setFault(CoordinationError(.store, "shards", "no room", number: ENOSPC))
        let error = await #expect(throws: CoordinationError.self) {
            try await bench.coordinator.publish(lease, someResult())
        }
        #expect(error?.code == .store && error?.number == ENOSPC)
        store.setFault(.full)
        let report = WorkerReport(worker: "w", counts: WorkerCounts(), units: [])
        #expect(try await bench.coordinator.heartbeat(report).isEmpty)
        store.setFault(nil)
        bench.place.setFault(nil)
        #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
    }

    @Test(
        "a store that is away, or another coordinator's, while files are put in place costs neither work nor a failure",
        arguments: [
            CoordinationError(.store, "store", "away", isOutage: true),
            CoordinationError(.deposed, "build", "another coordinator has taken it over"),
        ])
    func storeAwayWhilePublishing(fault: CoordinationError) async throws {
        let bench = try await Bench(units: 1)
        let lease = try await bench.lease()
        bench.place.setFault(fault)
        let error = await #expect(throws: CoordinationError.self) {
            try await bench.coordinator.publish(lease, someResult())
        }
        #expect(error == fault)
        bench.clock.advance(by: .seconds(500))
        await #expect(throws: fault) { try await bench.coordinator.finishPublications(expired: true) }
        #expect(bench.place.discarded.isEmpty)
        bench.place.setFault(nil)
        #expect(try await bench.coordinator.publish(lease, someResult()) == .accepted)
    }

    @Test("a publication is not given up while its files cannot be removed: a stopped coordinator could go on with them")
    func filesThatStay() async throws {
        let bench = try await Bench(units: 1)
        let lease = try await bench.lease()
        bench.place.setFault(CoordinationError(.publish, "a-000000", "input/output error"))
        bench.place.setLocked(true)
        await #expect(throws: CoordinationError.self) { try await bench.coordinator.publish(lease, someResult()) }
        #expect(try await bench.acquire("other") == .wait(.seconds(1)))
        bench.clock.advance(by: .seconds(500))
        bench.place.setLocked(false)
        try await bench.coordinator.finishPublications(expired: true)
        #expect(bench.place.discarded == [lease])
        #expect(try await bench.lease("other").generation == 2)
    }

    @Test("what waits while the store is busy shares a commit, and what one cannot have is not for the others to bear")
    func sharedCommits() async throws {
        let bench = try await Bench(units: 200)
        let leases = try await withThrowingTaskGroup(of: Lease.self) { group in
            for worker in 0..<200 { group.addTask { try await bench.lease("w\(worker)") } }
            var leases: [Lease] = []
            for try await lease in group { leases.append(lease) }
            return leases
        }
        #expect(Set(leases.map(\.unit)).count == 200)
        try await withThrowingTaskGroup(of: LeaseStanding.self) { group in
            for lease in leases { group.addTask { try await bench.coordinator.publish(lease, someResult()) } }
            for try await standing in group { #expect(standing == .accepted) }
        }
        #expect(try await bench.acquire() == .done)
    }

    @Test("while files are put in place the lease cannot be taken away, and a second publish is told to come back")
    func publishInProgress() async throws {
        let clock = ManualClock()
        let store = MemoryJobStore(clock: clock)
        try store.plan(units: [1])
        let entered = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let leave = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let coordinator = try Coordinator(
            store: store, clock: clock, logger: silent, discardFiles: { _, _ in },
            publishFiles: { _, _, _ in
                entered.continuation.yield()
                for await _ in leave.stream { break }
            })
        let lease = try #require(try await coordinator.acquire(worker: "w", incarnation: "1", request: "1").grant).lease
        async let publishing = coordinator.publish(lease, someResult())
        for await _ in entered.stream { break }
        clock.advance(by: .seconds(10_000))
        #expect(try await coordinator.acquire(worker: "other", incarnation: "1", request: "1") == .wait(.seconds(1)))
        _ = try await coordinator.workerEnded("w", message: "killed")
        #expect(try await coordinator.fail(lease, message: "no") == .stale)
        let error = await #expect(throws: CoordinationError.self) { try await coordinator.publish(lease, someResult()) }
        #expect(error?.code == .busy)
        leave.continuation.yield()
        #expect(try await publishing == .accepted)
        #expect(try store.status().phase == .finished)
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

    @Test(
        "what a former process could not publish is tried again in time, however long that process had run",
        arguments: [Coordinator.FormerLeases.kept, .released])
    func publicationOfFormerProcess(leases: Coordinator.FormerLeases) async throws {
        try await withTemporaryFolder { folder in
            try {
                let clock = ManualClock()
                let store = try someFileStore(in: folder, clock: clock)
                clock.advance(by: .seconds(100_000))
                try store.plan(units: [1])
                let lease = try store.lease()
                _ = try store.decide { leases throws in try leases.beginPublish(lease, someResult()) }
            }()
            let clock = ManualClock()
            let place = Place()
            place.setFault(CoordinationError(.store, "shards", "no room", number: ENOSPC))
            let coordinator = try Coordinator(
                store: try someFileStore(in: folder, clock: clock), clock: clock, logger: silent,
                discardFiles: { _, _ in }, publishFiles: { _, lease, _ in try place.put(lease) })
            try await coordinator.takeOver(leases)
            place.setFault(nil)
            clock.advance(by: .seconds(500))
            try await coordinator.finishPublications(expired: true)
            #expect(try await coordinator.status().phase == .finished)
        }
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
        #expect(try await first.acquire() == .done)
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
