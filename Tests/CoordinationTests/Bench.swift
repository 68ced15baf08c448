import Coordination
import Foundation
import Locks
import Logging
import Samples
import Testing

/// Where finished files go; can be told to fail.
final class Place: Sendable {
    private let content = Locked<(leases: [Lease], fault: CoordinationError?)>(([], nil))
    private let gone = Locked<[Lease]>([])
    private let isLocked = Locked(false)
    var discarded: [Lease] { gone.withLock { $0 } }
    /// From now on nothing can be removed, or it can again.
    func setLocked(_ value: Bool) { isLocked.withLock { $0 = value } }

    func discard(_ lease: Lease) throws {
        if isLocked.withLock({ $0 }) { throw CoordinationError(.publish, "scratch", "permission denied") }
        gone.withLock { $0.append(lease) }
    }

    var leases: [Lease] { content.withLock { $0.leases } }
    func setFault(_ fault: CoordinationError?) { content.withLock { $0.fault = fault } }

    func put(_ lease: Lease) throws {
        try content.withLock { content in
            if let fault = content.fault { throw fault }
            content.leases.append(lease)
        }
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A coordinator with a clock that stands still.
struct Bench {
    let store: any JobStore
    let clock: ManualClock
    let place = Place()
    let coordinator: Coordinator

    /// A coordinator that has taken over `store`, whose clock is `clock`.
    init(
        _ store: any JobStore, clock: ManualClock, _ leases: Coordinator.FormerLeases = .kept
    ) async throws {
        self.store = store
        self.clock = clock
        coordinator = try Coordinator(
            store: store, clock: clock, wallClock: { Date(timeIntervalSince1970: 1000) }, logger: silent,
            discardFiles: { [place] _, lease in try place.discard(lease) },
            publishFiles: { [place] publication, _ in try place.put(publication.lease) })
        try await coordinator.takeOver(leases)
    }

    /// A bench over a new store with one source of `units` units.
    init(units: Int) async throws {
        let clock = ManualClock()
        let store = MemoryJobStore(clock: clock)
        try store.plan(units: [units])
        try await self.init(store, clock: clock)
    }

    /// What `worker` is told when it asks for work.
    func acquire(
        _ worker: String = "w", _ request: String = UUID().uuidString, limit: Int = 1
    ) async throws(CoordinationError) -> LeaseAnswer {
        try await coordinator.acquire(worker: worker, incarnation: "1", request: request, limit: limit)
    }

    /// The next lease of `worker`.
    func lease(_ worker: String = "w") async throws -> Lease {
        try #require(try await acquire(worker).grant).lease
    }
}
