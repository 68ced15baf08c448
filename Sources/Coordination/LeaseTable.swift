package import Samples

/// Who works on which unit until when, as a pure value: no clock, no socket, no disk.
///
/// It knows the units that are held, never those that wait or are finished: those are its owner's, however many they are.
package struct LeaseTable: Sendable {
    /// A unit that is held.
    package struct Holding: Hashable, Sendable {
        package let lease: Lease
        package let unit: WorkUnit
        /// The name of the request that it was granted for.
        package let request: String
        package var expiry: Duration
        /// What is being published under the lease.
        package var publishing: UnitResult?
    }

    private var holdings: [UnitID: Holding] = [:]

    package init() {}

    /// How many units are held.
    package var count: Int { holdings.count }

    /// The holding of `lease`, while it is current.
    package func holding(of lease: Lease) -> Holding? {
        guard let holding = holdings[lease.unit], holding.lease == lease else { return nil }
        return holding
    }

    /// Whether `lease` is the one that its unit is held under.
    package func isCurrent(_ lease: Lease) -> Bool { holding(of: lease) != nil }

    /// What `worker` holds, by unit.
    package func held(by worker: String) -> [Holding] { sorted { $0.lease.worker == worker } }

    /// Notes that `lease` on `unit` was granted for `request`; the unit must not be held.
    package mutating func add(_ lease: Lease, on unit: WorkUnit, for request: String, until expiry: Duration) {
        precondition(holdings[lease.unit] == nil, "a unit has one holder at a time")
        holdings[lease.unit] = Holding(lease: lease, unit: unit, request: request, expiry: expiry)
    }

    /// Lets `lease` live on; false when it is not current.
    package mutating func renew(_ lease: Lease, until expiry: Duration) -> Bool {
        guard isCurrent(lease) else { return false }
        holdings[lease.unit]?.expiry = expiry
        return true
    }

    /// Marks a current lease as being published with `result`: from now on nobody takes it away.
    package mutating func setPublishing(_ lease: Lease, _ result: UnitResult) {
        precondition(isCurrent(lease), "the caller checks the lease first")
        holdings[lease.unit]?.publishing = result
    }

    /// Forgets a current lease: its unit is published, failed or waiting again.
    package mutating func remove(_ lease: Lease) {
        precondition(isCurrent(lease), "the caller checks the lease first")
        holdings[lease.unit] = nil
    }

    /// The leases that were not renewed in time, by unit.
    package func expired(now: Duration) -> [Lease] {
        sorted { $0.publishing == nil && $0.expiry <= now }.map(\.lease)
    }

    /// The units that are held and by whom, by unit.
    package var held: [Holding] { sorted { _ in true } }

    private func sorted(_ condition: (Holding) -> Bool) -> [Holding] {
        // Sorted, because the order of a dictionary differs from run to run.
        holdings.values.filter(condition).sorted {
            ($0.unit.source, $0.unit.index) < ($1.unit.source, $1.unit.index)
        }
    }
}
