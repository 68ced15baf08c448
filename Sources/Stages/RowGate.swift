import Locks

/// Decides when a worker may start another row, over all its units: callers in turn.
///
/// A row that waits for its host costs little; what costs memory are the bytes of images. They are asked for before a row
/// is started and counted when they are there. Files of this machine come at once: each waits for room before it is read.
/// A row is always in flight when none is, and a file is read when nothing is held, however small the bounds are.
package final class RowGate: Sendable {
    package struct Limits: Sendable {
        /// Rows in flight, apart from those that are put off.
        package let rows: Int
        /// Rows that are put off because their hosts are in trouble, before no more rows are started.
        package let putOff: Int
        /// Bytes of images, as fetched and as pixels.
        package let byteCount: Int

        package init(rows: Int, putOff: Int = 0, byteCount: Int) {
            precondition(rows > 0 && putOff >= 0 && byteCount > 0, "bounds of nothing start nothing")
            self.rows = rows
            self.putOff = putOff
            self.byteCount = byteCount
        }
    }

    private struct Waiter {
        let ticket: Int
        /// The bytes that it waits for; nil where it waits to enter.
        let byteCount: Int?
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var rows = 0
        /// Those of `rows` that are put off.
        var putOff = 0
        var byteCount = 0
        var isClosed = false
        var roomWasMade: @Sendable () -> Void = {}
        var nextTicket = 0
        /// Rows that are in and wait for room go before those that wait to enter.
        var reading: [Waiter] = []
        var entering: [Waiter] = []
    }

    private let limits: Limits
    private let state = Locked(State())

    package init(_ limits: Limits) { self.limits = limits }

    /// Whether there is room for the bytes of another image; there is when none is held.
    package var hasRoom: Bool { state.withLock { $0.byteCount < limits.byteCount } }

    /// Has `body` called whenever `hasRoom` becomes true again.
    package func whenRoomIsMade(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.roomWasMade = body } }

    /// Waits until a row may be started; whoever enters leaves.
    func enter() async throws { try await wait(in: \.entering, byteCount: nil) }

    /// Waits until there is room for an image of at most `byteLimit` bytes; gives how many are counted for it by now.
    ///
    /// Its size is not known before it is read: until then it counts for an eighth of all room.
    func reserve(byteLimit: Int) async throws -> Int {
        let byteCount = max(1, min(byteLimit, limits.byteCount / 8))
        try await wait(in: \.reading, byteCount: byteCount)
        return byteCount
    }

    private func wait(in line: any WritableKeyPath<State, [Waiter]> & Sendable, byteCount: Int?) async throws {
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
                        state[keyPath: line].append(
                            Waiter(ticket: ticket, byteCount: byteCount, continuation: continuation))
                    }
                }
            }
        } onCancel: {
            change { state in
                guard let place = state[keyPath: line].firstIndex(where: { $0.ticket == ticket }) else { return }
                state[keyPath: line].remove(at: place).continuation.resume(returning: false)
            }
        }
        guard isIn else { throw CancellationError() }
    }

    /// A row that was let in is in flight no more; `isPutOff` as it was last set.
    func leave(isPutOff: Bool = false) {
        change { state in
            state.rows -= 1
            if isPutOff { state.putOff -= 1 }
        }
    }

    /// A row that was let in is put off, or is put off no more; then there may be more rows than the bound for a while.
    func set(isPutOff: Bool) { change { $0.putOff += isPutOff ? 1 : -1 } }

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
            guard !state.isClosed else { return }
            while !state.reading.isEmpty, state.byteCount < limits.byteCount {
                let waiter = state.reading.removeFirst()
                state.byteCount += waiter.byteCount ?? 0
                waiter.continuation.resume(returning: true)
            }
            while !state.entering.isEmpty, mayEnter(state) {
                state.rows += 1
                state.entering.removeFirst().continuation.resume(returning: true)
            }
        }
    }

    private func mayEnter(_ state: State) -> Bool {
        // With no room for rows that are put off, they count as all others do.
        let putOff = min(state.putOff, limits.putOff)
        return state.rows == 0 || state.rows - putOff < limits.rows && state.byteCount < limits.byteCount
    }
}
