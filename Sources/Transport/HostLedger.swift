import Coordination
import Locks
import Samples

/// The shares of hosts that a coordinator has given out.
final class HostLedger: Sendable {
    private let shares: Locked<HostShares>
    private let start = ContinuousClock.now

    init(_ shares: HostShares) { self.shares = Locked(shares) }

    /// What `worker`, which uses `uses`, may use from now on.
    func share(_ uses: [HostUse], _ worker: String) -> [HostShare] {
        let now = .now - start
        return shares.withLock { $0.report(worker, uses, at: now) }
    }

    /// Takes back what `worker` has, which has ended.
    func forget(_ worker: String) { shares.withLock { $0.forget(worker) } }
}
