import Coordination
import Foundation
import Samples
import Testing

/// What becomes of finished units, whatever fails and whoever is killed on the way.
@Suite struct CoordinatorPublishingTests {
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
            publishFiles: { _, _ in store.setFault(.dead) })
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

    @Test("a publication is not given up while its files stay, with which a stopped coordinator could go on")
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

    @Test("while files are put in place the lease cannot be taken away, and a second publish is told to come back")
    func publishInProgress() async throws {
        let clock = ManualClock()
        let store = MemoryJobStore(clock: clock)
        try store.plan(units: [1])
        let entered = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let leave = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let coordinator = try Coordinator(
            store: store, clock: clock, logger: silent, discardFiles: { _, _ in },
            publishFiles: { _, _ in
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
                discardFiles: { _, _ in }, publishFiles: { publication, _ in try place.put(publication.lease) })
            try await coordinator.takeOver(leases)
            place.setFault(nil)
            clock.advance(by: .seconds(500))
            try await coordinator.finishPublications(expired: true)
            #expect(try await coordinator.status().phase == .finished)
        }
    }
}
