import Foundation
import Locks
import Spools
import Stages
import TestSupport
import Testing

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
        #expect(!mine.isAlive(since: &sighting), "another unit's rows are none of its own")
        pulse.fetched()
        #expect(mine.isAlive(since: &sighting))
    }
}
