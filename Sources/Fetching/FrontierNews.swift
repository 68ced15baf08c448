import Samples

/// What other workers of the build have learnt of hosts.
extension Frontier {
    /// Whether there is something about `origin` that others should know, and what.
    func trouble(of origin: String) -> (held: Instant?, rest: HostRecord.Rest?)? {
        guard let host = hosts[origin], host.trouble != nil || host.askedUntil != nil || host.rest != nil else {
            return nil
        }
        return (host.askedUntil, host.rest)
    }

    /// Takes in what another worker knows of `origin`: a wait that the host asked for is kept to, and a host that was given up is
    /// given up here too, unless it answers us.
    mutating func hear(_ news: HostNews, of origin: String, at now: Instant) -> [Notice] {
        guard var host = hosts[origin] else { return [] }
        var notices: [Notice] = []
        if let held = news.heldSeconds, held > 0 {
            let until = now + min(.seconds(held), limits.patience)
            host.askedUntil = host.askedUntil.map { max($0, until) } ?? until
            notices = [.putOff(origin: origin, until: until)]
        }
        let answersUs = host.trouble == nil && host.latest >= 0
        if let rest = news.restSeconds, rest > 0, !answersUs, host.rest == nil,
            let fault = news.finding.flatMap({ HostFault($0) })
        {
            host.rest = HostRecord.Rest(fault: fault, until: now + .seconds(min(rest, 86_400)))
            (host.trouble, host.notBefore) = (nil, nil)
            notices = [.gaveUp(takeWaiting(&host), fault)]
        }
        queue(&host, at: now)
        hosts[origin] = host
        forgetIdle(origin)
        return notices
    }
}
