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

    func received(byteCount: Int) { progress.received() }

    func putOff(until instant: ContinuousClock.Instant) {
        let old = state.withLock { state -> UnitProgress.Phase? in
            guard let phase = state.phase, phase == .fetching || phase == .putOff else { return nil }
            state.phase = .putOff
            return phase
        }
        if let old { progress.go(from: old, to: .putOff, until: instant) }
    }

    func resumed() { change(from: .putOff, to: .fetching) }

    /// The bytes came, and are worked on.
    func fetched(byteCount: Int) {
        resumed()  // a fetch that ends while it is put off
        change(from: .fetching, to: .encoding)
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
        gate.leave()
    }

    private func change(from old: UnitProgress.Phase, to new: UnitProgress.Phase) {
        let isIt = state.withLock { state in
            guard state.phase == old else { return false }
            state.phase = new
            return true
        }
        if isIt { progress.go(from: old, to: new) }
    }
}
