/// The names of the hosts for which rows wait.
extension Frontier {
    /// The next host whose name is to be looked up; `named` takes the answer.
    mutating func nextLookUp(at now: Instant) -> String? {
        let isOutage = network.outage?.isWhole ?? false
        while lookUpCount < limits.lookUps, !isOutage || probesLeft > 0, let origin = nameless.popFirst() {
            guard var host = hosts[origin], host.waitingCount > 0 else {
                hosts[origin]?.name = .unknown
                continue
            }
            host.name = .asked
            hosts[origin] = host
            lookUpCount += 1
            if isOutage { probesLeft -= 1 }
            return origin
        }
        return nil
    }

    /// The name of `origin` was looked up.
    mutating func named(_ origin: String, _ outcome: NameOutcome, at now: Instant) -> [Notice] {
        guard var host = hosts[origin], case .asked = host.name else { return [] }
        lookUpCount -= 1
        host.name = .unknown
        var notices: [Notice] = []
        switch outcome {
        case .found(let until):
            host.name = .known(until: until)
            if host.trouble?.fault.kind == .name { (host.trouble, host.notBefore, host.rest) = (nil, nil, nil) }
        case .none(let fault): notices = [.gaveUp(takeWaiting(&host), fault)]
        case .failed(let fault):
            network.failed(origin, fault, at: now)
            notices = worsen(origin, &host, fault, at: now)
        }
        queue(origin, &host, at: now)
        hosts[origin] = host
        if case .failed = outcome {} else if network.named(at: now) { recover(at: now) }
        forgetIdle(origin)
        return notices
    }
}
