/// The names of the hosts for which rows wait.
extension Frontier {
    /// The next host whose name is to be looked up; `named` takes the answer.
    mutating func nextLookup(at now: Instant) -> String? {
        let isOutage = network.outage?.isWhole ?? false
        while lookupCount < limits.lookups, !isOutage || lookupProbesLeft > 0, let origin = nameless.popFirst() {
            // A host that was forgotten and came back is here twice.
            guard var host = hosts[origin], case .wanted = host.name else { continue }
            host.name = host.waitingCount > 0 ? .asked : .unknown
            hosts[origin] = host
            guard host.waitingCount > 0 else { continue }
            lookupCount += 1
            if isOutage { lookupProbesLeft -= 1 }
            return origin
        }
        return nil
    }

    /// The name of `origin` was looked up.
    mutating func named(_ origin: String, _ outcome: NameOutcome, at now: Instant) -> [Notice] {
        lookupCount -= 1
        guard var host = hosts[origin], case .asked = host.name else {
            preconditionFailure("a name that nobody asked for")
        }
        host.name = .unknown
        var notices: [Notice] = []
        switch outcome {
        case .found(let until):
            host.name = .known(until: until)
            if host.trouble?.fault.kind == .name {
                (host.trouble, host.notBefore, host.rest, host.restLength) = (nil, nil, nil, nil)
            }
        case .none(let fault): notices = [.gaveUp(takeWaiting(&host), fault)]
        case .failed(let fault):
            network.failed(origin, fault, at: now)
            notices = said(host.worsen(fault, circumstances(at: now)), &host)
        }
        queue(&host, at: now)
        hosts[origin] = host
        if case .failed = outcome {} else { recover(from: network.named(at: now), at: now) }
        forgetIdle(origin)
        return notices
    }
}
