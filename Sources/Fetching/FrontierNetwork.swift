/// Whether the network works, and what follows from that for the rows.
extension Frontier {
    /// Hosts that are asked at once to see whether an outage is over, and as many names.
    private static let probesOfOutage = 2

    /// Whether a fault of `origin` does not count against its row: the host is put aside, or there is an outage.
    func excuses(_ origin: String) -> Bool {
        network.outage?.covers(origin) ?? false || hosts[origin]?.isAside ?? false
    }

    /// When to call `next` and `check` again even if nothing happens.
    var wakeTime: Instant? {
        guard let network = network.wakeTime else { return timers.next }
        return timers.next.map { min($0, network) } ?? network
    }

    /// Checks whether the network works; to be called when an exchange has ended, and at `wakeTime`.
    mutating func check(at now: Instant) -> (NetworkWatch.Step, [Notice]) {
        let step = network.step(situation, at: now)
        switch step {
        case .begin(let outage): return (step, outage.isWhole ? [.allPutOff(until: network.nextProbe)] : [])
        case .probe: return (step, probe(at: now))
        case .none, .ask, .giveUp: return (step, [])
        }
    }

    /// A witness that was asked answered, or did not.
    mutating func witnessed(_ answered: Bool, at now: Instant) {
        recover(from: network.witnessed(answered, at: now), at: now)
    }

    /// Something came from `origin`.
    mutating func hear(_ origin: String, at now: Instant) {
        recover(from: network.answered(origin, at: now), at: now)
    }

    /// Clears the faults that hosts had during an outage of the whole network.
    mutating func recover(from outage: Outage?, at now: Instant) {
        guard let outage, outage.isWhole else { return }
        (probesLeft, lookupProbesLeft) = (0, 0)
        for (origin, host) in hosts where host.trouble != nil && host.rest == nil {
            requeue(origin, at: now) { ($0.trouble, $0.notBefore) = (nil, nil) }
        }
    }

    private mutating func probe(at now: Instant) -> [Notice] {
        if let origin = network.outage?.origin {
            // All its rows may have been cancelled.
            if hosts[origin]?.isIdle ?? true { network.endOutage() }
            requeue(origin, at: now) { $0.notBefore = nil }
            return []
        }
        (probesLeft, lookupProbesLeft) = (Self.probesOfOutage, Self.probesOfOutage)
        // Hosts that are aside are asked, too: their pause was meant for a network that works.
        for (origin, host) in hosts where host.notBefore != nil && host.waitingCount > 0 && host.runningCount == 0 {
            requeue(origin, at: now) { $0.notBefore = nil }
        }
        return [.allPutOff(until: network.nextProbe)]
    }

    private var situation: NetworkWatch.Situation {
        NetworkWatch.Situation(healthyCount: runningCount - troubledCount, dominant: dominant)
    }

    /// The host that everything waits for, if it is one that answered before.
    private var dominant: String? {
        guard runningCount == troubledCount, ready.isEmpty else { return nil }
        return network.witnesses.last { origin in
            guard let host = hosts[origin], host.isAside, host.waitingCount > 0 else { return false }
            return host.addedCount * 4 >= addedCount
        }
    }
}
