/// All rows that wait for a host or are with one, and which of them may start now: a pure value, without a clock.
///
/// A host takes as many at once as its `Manners` say. One that fails again and again is put aside: its rows wait, one of
/// them is a probe now and then, and when that is answered the others follow in turn. One that has not answered for
/// longer than the patience, in a network that works, is given up, and its rows with it. Hosts in trouble have places of
/// their own, so that they take none from the others.
struct Frontier {
    /// A row's number, given by the caller.
    typealias Ticket = Int
    typealias Instant = ContinuousClock.Instant

    struct Limits: Sendable {
        /// Exchanges at once.
        var slots: Int
        /// Exchanges at once with one host.
        var perHost: Int
        /// How often a row is tried again shortly; a host is not put aside before that.
        var retries = 0
        /// For how long a host that does not answer is waited for.
        var patience = Duration.zero
        /// The longest outage that is waited for; zero knows none.
        var outage = Duration.zero
        /// Names that are looked up at once.
        var lookUps = 64
        /// Whether hosts are watched at all.
        var adapts = true
    }

    /// What is said to those that wait.
    enum Notice: Hashable {
        /// The rows of this host are put off.
        case putOff(origin: String, until: Instant)
        /// These rows end, because their host is given up, or there is no such host.
        case gaveUp([Ticket], HostFault)
        /// Every row is put off.
        case allPutOff(until: Instant)
    }

    /// The most hosts that are remembered while nothing waits for them.
    static let idleLimit = 50_000
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(15)
    /// A host that was given up is asked again so much later, then after twice that, up to an hour.
    private static let firstRest = Duration.seconds(60)
    private static let longestRest = Duration.seconds(3600)
    /// The longest rest of a host that asks for one.
    private static let longestAskedRest = Duration.seconds(86_400)
    /// Hosts that are asked at once to see whether an outage is over.
    private static let probesOfOutage = 2

    private struct Place {
        let origin: String
        var number = -1
        var isInTrouble = false
    }

    let limits: Limits
    var network: NetworkWatch
    private var places: [Ticket: Place] = [:]
    var hosts: [String: HostRecord] = [:]
    private var ready = FIFO<String>()
    private var readyInTrouble = FIFO<String>()
    private var timers = Timers<String>()
    private var idle = FIFO<String>()
    private(set) var runningCount = 0
    private var troubledCount = 0
    var nameless = FIFO<String>()
    var lookUpCount = 0
    /// What may still be asked, of hosts and of servers for names, to see whether an outage is over.
    var probesLeft = 0
    var lookUpProbesLeft = 0
    private var addedCount = 0

    init(_ limits: Limits, at now: Instant) {
        precondition(limits.slots > 0 && limits.perHost > 0, "without slots all would wait for ever")
        self.limits = limits
        network = NetworkWatch(limit: limits.adapts ? limits.outage : .zero, at: now)
    }

    /// How many hosts are remembered.
    var hostCount: Int { hosts.count }
    func knows(_ origin: String) -> Bool { hosts[origin] != nil }
    /// How many exchanges at once `origin` is thought to take.
    func limit(of origin: String) -> Int { hosts[origin]?.manners.limit ?? Manners.firstLimit }

    // MARK: - What happens

    /// A row wants to ask `origin`, which is `named` if its name must be looked up; says so if it is put off or its end is
    /// known.
    mutating func add(_ ticket: Ticket, to origin: String, named: Bool = false, at now: Instant) -> Notice? {
        var host = hosts[origin] ?? HostRecord(Manners(bound: limits.perHost, adapts: limits.adapts), isNamed: named)
        host.addedCount += 1
        addedCount += 1
        defer { hosts[origin] = host }
        if let rest = host.rest {
            guard now >= rest.until else { return .gaveUp([ticket], rest.fault) }
            (host.rest, host.notBefore) = (nil, nil)
        }
        places[ticket] = Place(origin: origin)
        host.waiting.append(ticket)
        host.waitingCount += 1
        queue(origin, &host, at: now)
        if let outage = network.outage, outage.isWhole { return .putOff(origin: origin, until: network.nextProbe) }
        return host.nextStart.flatMap { $0 > now ? .putOff(origin: origin, until: $0) : nil }
    }

    /// A row that waited waits no longer.
    mutating func remove(_ ticket: Ticket) {
        guard let place = places[ticket], place.number < 0, var host = hosts[place.origin] else { return }
        places[ticket] = nil
        host.waitingCount -= 1
        // Many that went leave room behind.
        if host.waiting.count > 64, host.waitingCount * 2 < host.waiting.count {
            host.waiting.removeAll { [places] in places[$0] == nil }
        }
        hosts[place.origin] = host
        forgetIdle(place.origin)
    }

    /// The next row that may start; `claim` says how long a host must still be left in peace, nil if not at all.
    mutating func next(at now: Instant, claim: (String) -> Duration? = { _ in nil }) -> Ticket? {
        while let origin = timers.popDue(at: now) {
            requeue(origin, at: now) { $0.timer = nil }
        }
        if let outage = network.outage, outage.isWhole, probesLeft == 0 { return nil }
        while let origin = nextReady() {
            guard var host = hosts[origin] else { continue }
            host.isQueued = false
            defer { hosts[origin] = host }
            guard host.mayStart(at: now) else {
                queue(origin, &host, at: now)
                continue
            }
            if let wait = claim(origin) {
                host.notBefore = now + wait
                queue(origin, &host, at: now)
                continue
            }
            guard let ticket = popWaiting(&host) else { preconditionFailure("the rows of a host are miscounted") }
            start(ticket, origin, &host, at: now)
            return ticket
        }
        return nil
    }

    /// The exchange of `ticket` ended.
    mutating func ended(_ ticket: Ticket, _ outcome: HostOutcome, at now: Instant) -> [Notice] {
        guard let place = places.removeValue(forKey: ticket), place.number >= 0 else { return [] }
        if limits.adapts, outcome.isHeard { hear(place.origin, at: now) }
        guard var host = hosts[place.origin] else { return [] }
        runningCount -= 1
        if place.isInTrouble { troubledCount -= 1 }
        host.runningCount -= 1
        var notices: [Notice] = []
        if limits.adapts {
            switch outcome {
            case .answered(let connect, let firstByte):
                host.manners.answered(
                    place.number, latest: host.latest, inFlight: host.runningCount + 1, connect: connect,
                    firstByte: firstByte)
                host.isWell()
            case .failed(let fault): notices = fail(place, &host, fault, at: now)
            case .unknown: break
            }
        }
        queue(place.origin, &host, at: now)
        hosts[place.origin] = host
        forgetIdle(place.origin)
        return notices
    }

    /// A witness that was asked answered, or did not.
    mutating func witnessed(_ answered: Bool, at now: Instant) {
        if network.witnessed(answered, at: now)?.isWhole == true { recover(at: now) }
    }

    /// Looks whether the network works; to be called when something has ended, and at `wakeTime`.
    mutating func check(at now: Instant) -> (NetworkWatch.Step, [Notice]) {
        let step = network.step(situation, at: now)
        switch step {
        case .begin(let outage): return (step, outage.isWhole ? [.allPutOff(until: network.nextProbe)] : [])
        case .probe:
            if let origin = network.outage?.origin {
                if hosts[origin]?.isIdle ?? true { network.endOutage() }
                requeue(origin, at: now) { $0.notBefore = nil }
                return (step, [])
            }
            (probesLeft, lookUpProbesLeft) = (Self.probesOfOutage, Self.probesOfOutage)
            // Hosts that are aside are asked, too: their pause was meant for a network that works.
            for (origin, host) in hosts where host.notBefore != nil && host.waitingCount > 0 && host.runningCount == 0 {
                requeue(origin, at: now) { $0.notBefore = nil }
            }
            return (step, [.allPutOff(until: network.nextProbe)])
        case .none, .ask, .giveUp: return (step, [])
        }
    }

    /// When to call `next` and `check` again although nothing happens.
    var wakeTime: Instant? {
        guard let network = network.wakeTime else { return timers.next }
        return timers.next.map { min($0, network) } ?? network
    }

    /// The rows that wait for `origin`.
    func waiting(for origin: String) -> [Ticket] {
        hosts[origin]?.waiting.waiting.filter { places[$0].map { $0.number < 0 } ?? false } ?? []
    }

    /// Whether nothing can be said about a fault of `origin` that counts against a row: it is put aside, or the world is.
    func excuses(_ origin: String) -> Bool {
        network.outage?.covers(origin) ?? false || hosts[origin]?.isAside ?? false
    }

    // MARK: - What follows from it

    private mutating func requeue(_ origin: String, at now: Instant, after change: (inout HostRecord) -> Void) {
        guard var host = hosts[origin] else { return }
        change(&host)
        queue(origin, &host, at: now)
        hosts[origin] = host
    }

    /// Puts the host among those that may start something, or has it looked at when it may.
    mutating func queue(_ origin: String, _ host: inout HostRecord, at now: Instant) {
        guard host.waitingCount > 0, !host.isQueued else { return }
        if let start = host.nextStart, start > now {
            guard host.timer.map({ start < $0 }) ?? true else { return }
            host.timer = start
            timers.add(origin, at: start)
        } else if !host.name.isKnown(at: now) {
            if case .unknown = host.name {} else if case .known = host.name {} else { return }
            host.name = .wanted
            nameless.append(origin)
        } else if host.runningCount < host.allowed {
            host.isQueued = true
            if host.trouble == nil { ready.append(origin) } else { readyInTrouble.append(origin) }
        }
    }

    private mutating func nextReady() -> String? {
        if runningCount - troubledCount < limits.slots, let origin = ready.popFirst() { return origin }
        return troubledCount < max(1, limits.slots / 2) ? readyInTrouble.popFirst() : nil
    }

    private func popWaiting(_ host: inout HostRecord) -> Ticket? {
        while let ticket = host.waiting.popFirst() {
            guard let place = places[ticket], place.number < 0 else { continue }
            host.waitingCount -= 1
            return ticket
        }
        return nil
    }

    private mutating func start(_ ticket: Ticket, _ origin: String, _ host: inout HostRecord, at now: Instant) {
        host.latest += 1
        host.runningCount += 1
        runningCount += 1
        let isInTrouble = host.trouble != nil
        if isInTrouble { troubledCount += 1 }
        places[ticket] = Place(origin: origin, number: host.latest, isInTrouble: isInTrouble)
        if network.outage?.isWhole == true { probesLeft -= 1 }
        queue(origin, &host, at: now)
    }

    private mutating func fail(
        _ place: Place, _ host: inout HostRecord, _ fault: HostFault, at now: Instant
    ) -> [Notice] {
        let isNew = place.number > host.counted
        if fault.asksForLess { host.manners.failed(place.number, latest: host.latest) }
        if fault.isSilent { network.failed(place.origin, fault, at: now) }
        if let wait = fault.retryAfter {
            guard !fault.asksTooMuch else {
                host.counted = host.latest
                host.rest = HostRecord.Rest(fault: fault, until: now + min(wait, Self.longestAskedRest))
                (host.trouble, host.notBefore) = (nil, nil)
                return [.gaveUp(takeWaiting(&host), fault)]
            }
            host.askedUntil = host.askedUntil.map { max($0, now + wait) } ?? now + wait
        }
        // It answers; what broke off may have reasons of its own.
        guard fault.kind != .partial else {
            host.isWell()
            return []
        }
        guard isNew else { return [] }
        host.counted = host.latest
        return worsen(place.origin, &host, fault, at: now)
    }

    /// A new burst of faults: the host is put aside after some, and given up when the patience is at its end.
    mutating func worsen(
        _ origin: String, _ host: inout HostRecord, _ fault: HostFault, at now: Instant
    ) -> [Notice] {
        var trouble = host.trouble ?? HostRecord.Trouble(fault: fault, began: now, since: network.time(at: now))
        trouble.fault = fault
        trouble.burstCount += 1
        trouble.isAside = trouble.burstCount >= max(fault.burstLimit, limits.retries + 1)
        if trouble.isAside { trouble.probeCount += 1 }
        host.trouble = trouble
        let needsPause = trouble.isAside || [.name, .overload].contains(fault.kind)
        let until = now + (needsPause ? pause(of: origin, trouble) : .zero)
        host.notBefore = host.notBefore.map { max($0, until) } ?? until
        let waited = network.time(at: now) - trouble.since
        if trouble.isAside, waited >= limits.patience, network.isCertain(since: trouble.began) {
            return giveUp(&host, fault, at: now)
        }
        return host.nextStart.flatMap { $0 > now ? [.putOff(origin: origin, until: $0)] : nil } ?? []
    }

    private mutating func giveUp(_ host: inout HostRecord, _ fault: HostFault, at now: Instant) -> [Notice] {
        let length = host.restLength.map { min($0 * 2, Self.longestRest) } ?? Self.firstRest
        host.restLength = length
        host.rest = HostRecord.Rest(fault: fault, until: now + length)
        host.notBefore = nil
        return [.gaveUp(takeWaiting(&host), fault)]
    }

    mutating func takeWaiting(_ host: inout HostRecord) -> [Ticket] {
        var rows: [Ticket] = []
        while let ticket = popWaiting(&host) {
            places[ticket] = nil
            rows.append(ticket)
        }
        return rows
    }

    /// The pause before the next probe, which grows, a little by chance so that not all hosts are asked at once.
    private func pause(of origin: String, _ trouble: HostRecord.Trouble) -> Duration {
        let longest = min(Self.longestPause, max(limits.patience / 8, .milliseconds(20)))
        let pause = min(Self.firstPause * (1 << min(trouble.probeCount, 10)) / 2, longest)
        return pause * (0.75 + 0.5 * Chance.number(of: origin, UInt64(trouble.burstCount)))
    }

    private mutating func hear(_ origin: String, at now: Instant) {
        if network.answered(origin, at: now)?.isWhole == true { recover(at: now) }
    }

    /// The network works again: what hosts did while it did not says nothing about them.
    mutating func recover(at now: Instant) {
        (probesLeft, lookUpProbesLeft) = (0, 0)
        for (origin, host) in hosts where host.trouble != nil && host.rest == nil {
            requeue(origin, at: now) { ($0.trouble, $0.notBefore) = (nil, nil) }
        }
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

    /// Notes a host for which nothing is to do; of too many such hosts the oldest are forgotten.
    mutating func forgetIdle(_ origin: String) {
        guard let host = hosts[origin], host.isIdle, !host.isListedAsIdle else { return }
        hosts[origin]?.isListedAsIdle = true
        idle.append(origin)
        while idle.count > Self.idleLimit, let oldest = idle.popFirst() {
            hosts[oldest]?.isListedAsIdle = false
            if hosts[oldest]?.isIdle == true { hosts[oldest] = nil }
        }
    }
}
