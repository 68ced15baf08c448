import Foundation
import Locks
import Spools
import TestSupport
import Testing

@testable import Stages

@Suite("DiskPause") struct DiskPauseTests {
    private let full = SpoolError(.write, "spool", errno: ENOSPC)

    @Test("tries again while the disk is full, says so once, and goes on by itself")
    func goesOn() async throws {
        let reports = Locked<[String?]>([])
        let pause = DiskPause(clock: InstantClock()) { reason in reports.withLock { $0.append(reason) } }
        let tries = Locked(0)
        let value = try await pause.retrying {
            let count = tries.withLock { tries in
                tries += 1
                return tries
            }
            guard count > 20 else { throw full }
            return count
        }
        #expect(value == 21 && !pause.isPaused)
        #expect(reports.withLock { $0.map { $0 != nil } } == [true, false])
    }

    @Test("ends when the disk was full for too long; other faults are not waited for")
    func ends() async throws {
        let pause = DiskPause(outage: .seconds(60), clock: InstantClock())
        let tries = Locked(0)
        let error = await #expect(throws: DiskFull.self) {
            try await pause.retrying {
                tries.withLock { $0 += 1 }
                throw full
            }
        }
        #expect(error?.waited == .seconds(60) && tries.withLock { $0 } == 13)
        await #expect(throws: SpoolError.self) {
            try await pause.retrying { throw SpoolError(.write, "spool", errno: EIO) }
        }
    }
}

@Suite("DiskPause with many who wait") struct DiskPauseRaceTests {
    @Test("reports ends and beginnings of pauses in the order in which they happen", .timeLimit(.minutes(1)))
    func ordered() async throws {
        let reports = Locked<[Bool]>([])
        let pause = DiskPause(clock: InstantClock()) { reason in
            for _ in 0..<50 { sched_yield() }
            reports.withLock { $0.append(reason != nil) }
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<200 {
                        let isFirst = Locked(true)
                        try? await pause.retrying {
                            let fails = isFirst.withLock { isFirst in
                                defer { isFirst = false }
                                return isFirst
                            }
                            if fails { throw SpoolError(.write, "spool", errno: ENOSPC) }
                        }
                    }
                }
            }
        }
        let said = reports.withLock { $0 }
        #expect(said.indices.allSatisfy { said[$0] == ($0 % 2 == 0) } && said.count % 2 == 0)
        #expect(!pause.isPaused)
    }
}

/// A clock on which nobody waits.
struct InstantClock: Clock {
    typealias Instant = ContinuousClock.Instant
    var now: Instant { .now }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws { try Task.checkCancellation() }
}

@Suite("UnitProgress") struct UnitProgressTests {
    @Test("a unit lives while it moves, and no longer")
    func moves() {
        let progress = UnitProgress()
        var sighting = UnitProgress.Sighting()
        #expect(progress.isAlive(since: &sighting), "seen for the first time")
        #expect(!progress.isAlive(since: &sighting))
        progress.moved()
        #expect(progress.isAlive(since: &sighting))
        #expect(!progress.isAlive(since: &sighting))
    }

    @Test("a unit whose rows are not all started lives while the fetcher moves for others")
    func fetcher() {
        let pulse = WorkerPulse()
        let (mine, other) = (UnitProgress(pulse), UnitProgress(pulse))
        var sighting = UnitProgress.Sighting()
        _ = mine.isAlive(since: &sighting)
        other.moved()
        #expect(!mine.isAlive(since: &sighting), "another unit's rows are not its own")
        pulse.fetched()
        #expect(mine.isAlive(since: &sighting))
    }

    @Test("a unit just begun waits as long as rows of others that are put off said to wait")
    func announced() {
        let pulse = WorkerPulse()
        let (mine, other) = (UnitProgress(pulse), UnitProgress(pulse))
        let gate = RowGate(.init(rows: 2, byteCount: 1))
        let ticket = RowTicket(gate, other)
        ticket.putOff(until: .now + .seconds(600))
        // The one row of it that was let in is put off for less long.
        let own = RowTicket(gate, mine)
        own.putOff(until: .now + .seconds(1))
        var sighting = UnitProgress.Sighting()
        _ = mine.isAlive(since: &sighting)
        #expect(mine.isAlive(since: &sighting, now: .now + .seconds(300)))
        #expect(!mine.isAlive(since: &sighting, now: .now + .seconds(700)), "that time has passed")
        // Rows that are with the models wait for those alone.
        mine.go(from: nil, to: .captioning)
        _ = mine.isAlive(since: &sighting)
        #expect(!mine.isAlive(since: &sighting))
    }

    @Test("a unit lives while whole files are gone over for it")
    func preparing() async {
        let progress = UnitProgress()
        var sighting = UnitProgress.Sighting()
        _ = progress.isAlive(since: &sighting)
        let started = Gate()
        let ended = Gate()
        async let prepared: Void = progress.preparing {
            started.open()
            await ended.wait()
        }
        await started.wait()
        for _ in 0..<3 { #expect(progress.isAlive(since: &sighting)) }
        ended.open()
        await prepared
        _ = progress.isAlive(since: &sighting)
        #expect(!progress.isAlive(since: &sighting))
    }
}
