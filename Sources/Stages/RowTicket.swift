import Fetching
import Locks

/// One row's place in flight: what it counts with at the gate, and in which phase its unit's progress has it.
final class RowTicket: FetchObserver {
    private struct State {
        var phase: UnitProgress.Phase? = .fetching
        var byteCount = 0
    }

    private let gate: RowGate
    private let progress: UnitProgress
    private let state = Locked(State())

    /// For a row that was let in.
    init(_ gate: RowGate, _ progress: UnitProgress) {
        self.gate = gate
        self.progress = progress
        progress.go(from: nil, to: .fetching)
    }

    func received(byteCount: Int) {
        change(from: [.probing], to: .fetching)
        progress.received()
    }

    func putOff(until instant: ContinuousClock.Instant) {
        change(from: [.fetching, .probing, .putOff], to: .putOff, until: instant)
    }

    func resumed() { change(from: [.putOff], to: .probing) }

    /// The bytes came, and are worked on.
    func fetched(byteCount: Int) {
        change(from: [.fetching, .probing, .putOff], to: .encoding)
        progress.count(fetchedByteCount: byteCount)
        hold(byteCount)
    }

    /// Waits for room for a file of this machine, of at most `byteLimit` bytes.
    func reserve(byteLimit: Int) async throws {
        let byteCount = try await gate.reserve(byteLimit: byteLimit)
        state.withLock { $0.byteCount = byteCount }
    }

    /// The row holds `byteCount` bytes of its image, as fetched and as pixels.
    func hold(_ byteCount: Int) {
        let change = state.withLock { state in
            defer { state.byteCount = byteCount }
            return byteCount - state.byteCount
        }
        if change != 0 { gate.take(change) }
    }

    /// The row is in flight no more.
    func leave() {
        hold(0)
        let phase = state.withLock { state in
            defer { state.phase = nil }
            return state.phase
        }
        guard let phase else { return }
        progress.go(from: phase, to: nil)
        gate.leave(isPutOff: phase.isPutOff)
    }

    private func change(
        from olds: [UnitProgress.Phase], to new: UnitProgress.Phase, until announced: ContinuousClock.Instant? = nil
    ) {
        let old = state.withLock { state -> UnitProgress.Phase? in
            guard let phase = state.phase, olds.contains(phase) else { return nil }
            state.phase = new
            return phase
        }
        guard let old else { return }
        progress.go(from: old, to: new, until: announced)
        if old.isPutOff != new.isPutOff { gate.set(isPutOff: new.isPutOff) }
    }
}
