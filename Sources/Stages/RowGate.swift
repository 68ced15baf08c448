import Locks

/// Decides when a worker may start another row, over all its units: callers in turn.
///
/// A row that waits for its host costs little; what costs memory are the bytes of images. They are asked for before a row
/// is started and counted when they are there. A row is always in flight when none is, however small the bounds are.
package final class RowGate: Sendable {
    package struct Limits: Sendable {
        /// Rows in flight, those that wait for their hosts included.
        package let rows: Int
        /// Bytes of images, as fetched and as pixels.
        package let byteCount: Int

        package init(rows: Int, byteCount: Int) {
            precondition(rows > 0 && byteCount > 0, "bounds of nothing start nothing")
            self.rows = rows
            self.byteCount = byteCount
        }
    }

    private struct State {
        var rows = 0
        var byteCount = 0
        var isClosed = false
        var roomWasMade: @Sendable () -> Void = {}
        var nextTicket = 0
        var waiting: [(ticket: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    }

    private let limits: Limits
    private let state = Locked(State())

    package init(_ limits: Limits) { self.limits = limits }

    /// Whether there is room for the bytes of another image; there is when none is held.
    package var hasRoom: Bool { state.withLock { $0.byteCount < limits.byteCount } }

    /// Has `body` called whenever `hasRoom` becomes true again.
    package func whenRoomIsMade(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.roomWasMade = body } }

    /// Waits until a row may be started; whoever enters leaves.
    func enter() async throws {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        let isIn = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                change { state in
                    if Task.isCancelled {
                        continuation.resume(returning: false)
                    } else {
                        state.waiting.append((ticket, continuation))
                    }
                }
            }
        } onCancel: {
            change { state in
                guard let place = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
                state.waiting.remove(at: place).continuation.resume(returning: false)
            }
        }
        guard isIn else { throw CancellationError() }
    }

    /// A row that was let in is in flight no more.
    func leave() { change { $0.rows -= 1 } }

    /// Counts `byteCount` bytes; negative when they are given back.
    func take(_ byteCount: Int) {
        var roomWasMade: (@Sendable () -> Void)?
        change { state in
            let hadRoom = state.byteCount < limits.byteCount
            state.byteCount += byteCount
            if !hadRoom, state.byteCount < limits.byteCount { roomWasMade = state.roomWasMade }
        }
        roomWasMade?()
    }

    /// Starts nothing more until it is opened again.
    package func setClosed(_ isClosed: Bool) { change { $0.isClosed = isClosed } }

    /// Changes the state, and lets in who may enter by it.
    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            while !state.waiting.isEmpty, !state.isClosed, mayEnter(state) {
                state.rows += 1
                state.waiting.removeFirst().continuation.resume(returning: true)
            }
        }
    }

    private func mayEnter(_ state: State) -> Bool {
        state.rows == 0 || state.rows < limits.rows && state.byteCount < limits.byteCount
    }
}
