import Coordination
import Locks
import Stages

/// The units that a worker has in flight, and whether there is room for another.
final class UnitBoard: Sendable {
    private struct State {
        var units: [Lease: LeasedUnit] = [:]
        var hasEnded = false
    }

    private let limit: Int
    private let scratchBytes: Int
    private let use: ScratchUse
    private let state = Locked(State())
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Room for `limit` units; units of which all that is left waits for hosts in trouble come on top, while all spools
    /// together take less than `scratchBytes`.
    init(limit: Int, scratchBytes: Int, use: ScratchUse) {
        (self.limit, self.scratchBytes, self.use) = (limit, scratchBytes, use)
        use.whenFreed { [signal] in signal.continuation.yield() }
    }

    var units: [LeasedUnit] { state.withLock { Array($0.units.values) } }

    func add(_ unit: LeasedUnit) { state.withLock { $0.units[unit.lease] = unit } }

    func remove(_ lease: Lease) {
        state.withLock { $0.units[lease] = nil }
        changed()
    }

    /// Ends the work on units whose leases were taken away.
    func drop(_ leases: [Lease]) {
        let dropped = state.withLock { state in leases.compactMap { state.units[$0] } }
        for unit in dropped { unit.drop() }
    }

    /// No unit is begun any more: one of them found that none can be done.
    func end() {
        state.withLock { $0.hasEnded = true }
        changed()
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Notes that there may be room.
    func changed() { signal.continuation.yield() }

    /// Whether another unit may be begun: the rows of all others are under way, few enough of them are busy, and their
    /// spools leave room.
    var hasRoom: Bool {
        let units = units.map(\.progress)
        guard !units.isEmpty else { return true }
        guard use.byteCount < scratchBytes, units.allSatisfy(\.hasStarted) else { return false }
        return units.count { !$0.isParked } < limit
    }

    /// Waits until there may be room; for one caller.
    func change() async {
        for await _ in signal.stream { return }
    }
}
