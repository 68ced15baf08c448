import Coordination
import Locks
import Stages

/// The units that a worker has in flight, and whether there is room for another.
final class UnitBoard: Sendable {
    private let limit: Int
    private let scratchBytes: Int
    private let use: ScratchUse
    private let units = Locked<[Lease: UnitProgress]>([:])
    private let ended = Locked(false)
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Room for `limit` units; units of which all that is left waits for hosts in trouble come on top, while all spools
    /// together take less than `scratchBytes`.
    init(limit: Int, scratchBytes: Int, use: ScratchUse) {
        (self.limit, self.scratchBytes, self.use) = (limit, scratchBytes, use)
    }

    /// The units with how far they are.
    var progress: [(lease: Lease, counts: UnitProgress.Counts)] {
        units.withLock { $0 }.map { ($0.key, $0.value.counts) }
    }

    func add(_ lease: Lease, _ progress: UnitProgress) { units.withLock { $0[lease] = progress } }

    func remove(_ lease: Lease) {
        units.withLock { $0[lease] = nil }
        changed()
    }

    /// No unit is begun any more: one of them found that none can be done.
    func end() {
        ended.withLock { $0 = true }
        changed()
    }

    var hasEnded: Bool { ended.withLock { $0 } }

    /// Notes that there may be room.
    func changed() { signal.continuation.yield() }

    /// Whether another unit may be begun: the rows of all others are under way, and few enough of them are busy.
    var hasRoom: Bool {
        let units = units.withLock { Array($0.values) }
        return units.isEmpty
            || units.allSatisfy(\.hasStarted) && units.count { !$0.isParked } < limit && use.byteCount < scratchBytes
    }

    /// Waits until there may be room; for one caller.
    func change() async {
        for await _ in signal.stream { return }
    }
}
