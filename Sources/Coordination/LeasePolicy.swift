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

    /// What is counted when a lease of `worker` was not renewed.
    func expiryMessage(_ worker: String) -> String { "worker \(worker) did not renew its lease within \(duration)" }
}

/// Which of the waiting units a worker may have besides those that it holds.
package enum Admission: Hashable, Sendable {
    /// Any; but one that failed before comes alone.
    case anyUnit
    /// Only units that never failed, at most so many.
    case freshUnits(Int)
    case noUnit

    /// What a worker may have that holds `count` units.
    ///
    /// A unit that failed before goes only to a worker that holds nothing else: should it take its worker down again, no
    /// neighbour that failed with it before is blamed once more.
    init(holding count: Int, _ policy: LeasePolicy) {
        self =
            switch count {
            case 0: .anyUnit
            case ..<policy.unitsPerWorker: .freshUnits(policy.unitsPerWorker - count)
            default: .noUnit
            }
    }
}
