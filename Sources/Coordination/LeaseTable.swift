package import Samples

/// The numbers that leases live by.
package struct LeasePolicy: Hashable, Sendable {
    /// How long a lease is good for without a renewal: longer than anything takes of which nothing is seen.
    package var duration: Duration = .seconds(120)
    /// After this many failures a unit has failed for good.
    package var failureLimit = 3
    /// The most units that a worker may hold, those that wait for hosts in trouble included; its profile sets how many are busy.
    package var unitsPerWorker = 64
    /// How long a worker waits before it asks again.
    package var waitDuration: Duration = .seconds(1)

    package init() {}

    /// The policy where nothing may be heard of a unit for `silence`, such as a host that answers at the end of its time.
    package init(silence: Duration) { duration = max(duration, silence + .seconds(60)) }

    /// Whether a unit that has failed `failures` times is given up.
    func isFinal(failures: Int) -> Bool { failures >= failureLimit }
}

/// Who works on which unit until when, as a pure value: no clock, no socket, no disk.
///
/// It knows the units that are held, never those that wait or are finished: those are the job store's, however many
/// they are. So its size is bounded by workers times `LeasePolicy.unitsPerWorker`.
package struct LeaseTable: Sendable {
    /// Which of the waiting units a worker may have.
    package enum Admission: Hashable, Sendable {
        /// Any, one that failed before too.
        case anyUnit
        /// Only one that never failed.
        case freshUnit
        case noUnit
    }

    private struct Holding: Sendable {
        let lease: Lease
        let unit: WorkUnit
        let request: String
        var expiry: Duration
        var isPublishing = false
    }

    private let policy: LeasePolicy
    private var holdings: [Int: Holding] = [:]

    package init(policy: LeasePolicy) { self.policy = policy }

    /// How many units are held.
    package var count: Int { holdings.count }

    /// Which units `worker` may have besides those that it holds.
    ///
    /// A unit that failed before goes only to a worker that holds nothing else: should it take its worker down again, no
    /// neighbour that failed with it before is blamed once more.
    package func admission(of worker: String) -> Admission {
        switch holdings.values.count(where: { $0.lease.worker == worker }) {
        case 0: .anyUnit
        case ..<policy.unitsPerWorker: .freshUnit
        default: .noUnit
        }
    }

    /// The lease that `worker` was granted for `request` and still holds.
    ///
    /// A grant whose answer was lost on its way is found again, instead of being held by nobody until it expires.
    package func grant(to worker: String, for request: String) -> LeaseGrant? {
        holdings.values.first { $0.lease.worker == worker && $0.request == request }
            .map { LeaseGrant(lease: $0.lease, unit: $0.unit, duration: policy.duration) }
    }

    /// Notes that `lease` on `unit` was granted for `request`; the unit must not be held.
    package mutating func add(
        _ lease: Lease, on unit: WorkUnit, for request: String, now: Duration
    ) -> LeaseGrant {
        precondition(holdings[unit.id] == nil && lease.unit == unit.id, "a unit has one holder at a time")
        holdings[unit.id] = Holding(
            lease: lease, unit: unit, request: request, expiry: now + policy.duration)
        return LeaseGrant(lease: lease, unit: unit, duration: policy.duration)
    }

    /// Whether `lease` is the one that its unit is held under.
    package func isCurrent(_ lease: Lease) -> Bool { holdings[lease.unit]?.lease == lease }

    /// The unit that `lease` is for, while it is current.
    package func unit(of lease: Lease) -> WorkUnit? { isCurrent(lease) ? holdings[lease.unit]?.unit : nil }

    /// Lets `lease` live on from `now`; false when it is not current.
    package mutating func renew(_ lease: Lease, now: Duration) -> Bool {
        guard isCurrent(lease) else { return false }
        holdings[lease.unit]?.expiry = now + policy.duration
        return true
    }

    /// Whether the files of `lease` are being put in place.
    package func isPublishing(_ lease: Lease) -> Bool {
        isCurrent(lease) && holdings[lease.unit]?.isPublishing == true
    }

    /// Marks a current lease as being published, or not any more; meanwhile nobody takes it away.
    package mutating func setPublishing(_ lease: Lease, _ isPublishing: Bool) {
        precondition(isCurrent(lease), "the caller checks the lease first")
        holdings[lease.unit]?.isPublishing = isPublishing
    }

    /// Forgets a current lease: its unit is published, failed or waiting again.
    package mutating func remove(_ lease: Lease) {
        precondition(isCurrent(lease), "the caller checks the lease first")
        holdings[lease.unit] = nil
    }

    /// The leases that were not renewed in time, by unit.
    package func expired(now: Duration) -> [Lease] {
        revocable { $0.expiry <= now }
    }

    /// The leases that `worker` holds and that can be taken from it, by unit.
    package func revocable(from worker: String) -> [Lease] {
        revocable { $0.lease.worker == worker }
    }

    /// The units that are held and by whom, by unit.
    package var held: [(lease: Lease, unit: WorkUnit)] {
        holdings.values.sorted { $0.unit.id < $1.unit.id }.map { ($0.lease, $0.unit) }
    }

    private func revocable(_ condition: (Holding) -> Bool) -> [Lease] {
        // Sorted, because the order of a dictionary differs from run to run.
        holdings.values.filter { !$0.isPublishing && condition($0) }.map(\.lease).sorted { $0.unit < $1.unit }
    }
}
