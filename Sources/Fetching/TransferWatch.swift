import Samples

// Whether the network works, as the loop finds out on its thread.
extension TransferLoop {
    /// Checks whether the network works, and asks witnesses where that is in doubt.
    func watch() {
        let wasOutage = frontier.network.outage
        let (step, notices) = frontier.check(at: clock.now)
        for notice in notices { tell(notice) }
        switch step {
        case .none: break
        case .begin(let outage): events.outage(.began(outage))
        case .giveUp(let outage): events.outage(.exceeded(outage))
        case .ask(let origins): askWitnesses(origins)
        case .probe:
            // Any answer ends an outage of the whole network; only its own ends that of one host.
            if wasOutage?.isWhole == true { askWitnesses(frontier.network.witnesses) }
        }
        if wasOutage != nil, frontier.network.outage == nil { events.outage(.ended) }
    }

    private func askWitnesses(_ origins: [String]) {
        for origin in origins {
            guard let names, names.knows(origin) else {
                connect(to: origin)
                continue
            }
            names.lookUp(origin, isFresh: true, at: clock.now) { [unowned self] outcome in
                if case .found = outcome { connect(to: origin) } else { witnessed(false) }
            }
        }
    }

    /// Connects to a witness, and asks nothing.
    private func connect(to origin: String) {
        let exchange = Exchange(
            ExchangeRequest(
                url: origin, origin: origin, timeout: .seconds(4), maxBytes: 0, maxHeaderBytes: 0,
                bodyUse: { _ in .refuse }, judge: events.judge, connectsOnly: true))
        start(exchange)
    }

    func witnessed(_ isThere: Bool) {
        note {
            $0.witnessed(isThere, at: clock.now)
            return []
        }
    }

    func note(_ body: (inout Frontier) -> [Frontier.Notice]) {
        let wasOutage = frontier.network.outage != nil
        for notice in body(&frontier) { tell(notice) }
        if wasOutage, frontier.network.outage == nil { events.outage(.ended) }
    }
}
