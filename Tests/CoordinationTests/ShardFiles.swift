import Coordination
import Foundation
import Locks
import Samples

/// The files of a build as its coordinators put them in place, each by whom it was made, and what befalls them.
final class ShardFiles: Sendable {
    enum Fault: Sendable {
        /// There is no room.
        case full
        /// The disk fails.
        case broken
    }

    /// What becomes of a publication that is waited for.
    enum Event: Sendable {
        /// Its coordinator was stopped before it put the files in place.
        case stopped
        case ended
    }

    private struct State {
        var scratch: [Lease: UnitResult] = [:]
        var published: [UnitID: UnitResult] = [:]
        var fault: Fault?
        var isLocked = false
        var stopping: Lease?
        var stopped: [CheckedContinuation<Void, Never>] = []
        var isKilling = false
    }

    private let state = Locked(State())
    private let events = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(8))

    /// What is in place of `unit`.
    func published(_ unit: UnitID) -> UnitResult? { state.withLock { $0.published[unit] } }

    /// A worker has made `result` under `lease`.
    func make(_ lease: Lease, _ result: UnitResult) { state.withLock { $0.scratch[lease] = result } }

    /// From now on nothing can be put in place, or nothing removed.
    func setFaults(_ fault: Fault?, isLocked: Bool) { state.withLock { ($0.fault, $0.isLocked) = (fault, isLocked) } }

    /// Nothing fails any more.
    func calm() { state.withLock { ($0.fault, $0.isLocked, $0.isKilling) = (nil, false, false) } }

    /// Whoever puts files in place next is killed when they are.
    func killNext() { state.withLock { $0.isKilling = true } }

    /// Whoever puts the files of `lease` in place next is stopped before; nobody is with nil.
    func stop(at lease: Lease?) { state.withLock { $0.stopping = lease } }

    /// Lets the one that has been stopped the longest go on.
    func goOn() { state.withLock { $0.stopped.isEmpty ? nil : $0.stopped.removeFirst() }?.resume() }

    /// Lets all that have been stopped go on.
    func goOnAll() {
        let stopped = state.withLock { state in
            defer { state.stopped = [] }
            return state.stopped
        }
        for continuation in stopped { continuation.resume() }
    }

    /// A publication that is waited for has ended.
    func ended() { events.continuation.yield(.ended) }

    /// Waits for the next event; for one caller.
    func event() async throws -> Event {
        for await event in events.stream { return event }
        throw CancellationError()
    }

    /// Puts the files of `lease` in place, as the coordinator that uses `store`.
    func put(_ lease: Lease, _ result: UnitResult, _ store: FaultyStore) async throws {
        let isStopped = state.withLock { state in
            defer { if state.stopping == lease { state.stopping = nil } }
            return state.stopping == lease
        }
        if isStopped {
            await withCheckedContinuation { continuation in
                state.withLock { $0.stopped.append(continuation) }
                events.continuation.yield(.stopped)
            }
        }
        if store.isDead { throw CancellationError() }  // a dead process does nothing
        try state.withLock { state in
            switch state.fault {
            case .full: throw CoordinationError(.store, "shards", "no room", number: ENOSPC)
            case .broken: throw CoordinationError(.publish, "shards", "input/output error")
            case nil: break
            }
            if state.published[lease.unit] == result { return }
            guard let made = state.scratch.removeValue(forKey: lease) else {
                throw CoordinationError(.publish, "scratch", "no such file")
            }
            state.published[lease.unit] = made
        }
        let isKilled = state.withLock { state in
            defer { state.isKilling = false }
            return state.isKilling
        }
        if isKilled { store.setFault(.dead) }
    }

    /// Removes what was made under `lease`, as the coordinator that uses `store`.
    func discard(_ lease: Lease, _ store: FaultyStore) throws {
        if store.isDead { throw CancellationError() }
        try state.withLock { state in
            if state.isLocked { throw CoordinationError(.publish, "scratch", "permission denied") }
            state.scratch[lease] = nil
        }
    }
}
