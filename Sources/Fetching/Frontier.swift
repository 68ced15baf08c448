/// All rows that wait for a host or are being fetched, and which may start now: a pure value, without a clock.
///
/// `Manners` limit how many rows of a host run at once. A host that keeps failing is put aside: its rows wait, and one of
/// them probes it now and then; once a probe is answered the others follow. A host that has not answered for longer than
/// the patience, while the network works, is given up, and its rows fail. Hosts in trouble have slots of their own, so that
/// they take none from the others.
struct Frontier {
    /// A row's number, given by the caller.
    typealias Ticket = Int
    typealias Instant = ContinuousClock.Instant

    struct Limits: Sendable {
        /// Exchanges at once.
        var slots: Int
        /// Exchanges at once with one host.
        var perHost: Int
        /// Quick retries of a row; a host is not put aside before it has failed more often.
        var retries = 0
        /// How long to wait for a host that does not answer.
        var patience = Duration.zero
        /// The longest outage to wait for; zero turns outages off.
        var outage = Duration.zero
        /// Lookups at once.
        var lookups = 64
        /// Whether limits adapt and faults are counted at all.
        var adapts = true
    }

    /// What waiting rows are told.
    enum Notice: Hashable {
        /// The rows of this host are put off.
        case putOff(origin: String, until: Instant)
        /// These rows end, because their host is given up, or there is no such host.
        case gaveUp([Ticket], HostFault)
        /// Every row is put off.
        case allPutOff(until: Instant)
    }

    /// The most hosts to remember that have no rows.
    static let idleLimit = 50_000
    private struct Place {
        let origin: String
        var number = -1
        var isInTrouble = false
    }

    let limits: Limits
    var network: NetworkWatch
    private var places: [Ticket: Place] = [:]
    var hosts: [String: HostRecord] = [:]
    var ready = FIFO<String>()
    private var readyInTrouble = FIFO<String>()
    var timers = Timers<String>()
    private var idle = FIFO<String>()
    private(set) var runningCount = 0
    private(set) var troubledCount = 0
    var nameless = FIFO<String>()
    var lookupCount = 0
    /// Requests and lookups that may still start to see whether an outage is over.
    var probesLeft = 0
    var lookupProbesLeft = 0
    private(set) var addedCount = 0

    init(_ limits: Limits, at now: Instant) {
        precondition(limits.slots > 0 && limits.perHost > 0, "without slots all would wait for ever")
        self.limits = limits
        network = NetworkWatch(limit: limits.adapts ? limits.outage : .zero, at: now)
    }

    /// How many hosts are remembered.
    var hostCount: Int { hosts.count }
    func knows(_ origin: String) -> Bool { hosts[origin] != nil }
    /// How many exchanges `origin` may have at once.
    func limit(of origin: String) -> Int { hosts[origin]?.manners.limit ?? Manners.firstLimit }

    // MARK: - What happens

    /// Adds a row for `origin`, which is `named` if its name must be looked up; returns a notice if the row is put off or ends
    /// at once.
    mutating func add(_ ticket: Ticket, to origin: String, named: Bool = false, at now: Instant) -> Notice? {
        var host = hosts[origin] ?? newHost(origin, isNamed: named)
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
        queue(&host, at: now)
        if let outage = network.outage, outage.isWhole { return .putOff(origin: origin, until: network.nextProbe) }
        return host.nextStart.flatMap { $0 > now ? .putOff(origin: origin, until: $0) : nil }
    }

    /// Removes a row that waits.
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

    /// The next row that may start; `claim` takes a place at a host, or returns how long to wait before asking again.
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
                queue(&host, at: now)
                continue
            }
            if let wait = claim(origin) {
                host.notBefore = now + wait
                queue(&host, at: now)
                continue
            }
            guard let ticket = popWaiting(&host) else { preconditionFailure("the rows of a host are miscounted") }
            start(ticket, &host, at: now)
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
                host.answered(place.number, connect: connect, firstByte: firstByte)
            case .failed(let fault):
                if fault.isSilent { network.failed(place.origin, fault, at: now) }
                notices = said(host.failed(place.number, fault, circumstances(at: now)), &host)
            case .unknown: break
            }
        }
        queue(&host, at: now)
        hosts[place.origin] = host
        forgetIdle(place.origin)
        return notices
    }

    /// The rows that wait for `origin`.
    func waiting(for origin: String) -> [Ticket] {
        hosts[origin]?.waiting.waiting.filter { places[$0].map { $0.number < 0 } ?? false } ?? []
    }

    // MARK: - What follows from it

    mutating func requeue(_ origin: String, at now: Instant, after change: (inout HostRecord) -> Void) {
        guard var host = hosts[origin] else { return }
        change(&host)
        queue(&host, at: now)
        hosts[origin] = host
    }

    /// Queues the host if one of its rows may start, or sets a timer or a lookup that leads there.
    mutating func queue(_ host: inout HostRecord, at now: Instant) {
        guard host.waitingCount > 0, !host.isQueued else { return }
        if let start = host.nextStart, start > now {
            guard host.timer.map({ start < $0 }) ?? true else { return }
            host.timer = start
            timers.add(host.origin, at: start)
        } else if !host.name.isKnown(at: now) {
            if case .unknown = host.name {} else if case .known = host.name {} else { return }
            host.name = .wanted
            nameless.append(host.origin)
        } else if host.runningCount < host.allowed {
            host.isQueued = true
            if host.trouble == nil { ready.append(host.origin) } else { readyInTrouble.append(host.origin) }
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

    private func newHost(_ origin: String, isNamed: Bool) -> HostRecord {
        HostRecord(origin, Manners(bound: limits.perHost, adapts: limits.adapts), isNamed: isNamed)
    }

    private mutating func start(_ ticket: Ticket, _ host: inout HostRecord, at now: Instant) {
        host.latest += 1
        host.runningCount += 1
        runningCount += 1
        let isInTrouble = host.trouble != nil
        if isInTrouble { troubledCount += 1 }
        places[ticket] = Place(origin: host.origin, number: host.latest, isInTrouble: isInTrouble)
        if network.outage?.isWhole == true { probesLeft -= 1 }
        queue(&host, at: now)
    }

    func circumstances(at now: Instant) -> HostRecord.Circumstances {
        HostRecord.Circumstances(limits: limits, network: network, now: now)
    }

    /// What the waiting rows of `host` are told after `verdict`; they are removed if it is given up.
    mutating func said(_ verdict: HostRecord.Verdict, _ host: inout HostRecord) -> [Notice] {
        switch verdict {
        case .goOn: []
        case .putOff(let until): [.putOff(origin: host.origin, until: until)]
        case .givenUp(let fault): [.gaveUp(takeWaiting(&host), fault)]
        }
    }

    mutating func takeWaiting(_ host: inout HostRecord) -> [Ticket] {
        var rows: [Ticket] = []
        while let ticket = popWaiting(&host) {
            places[ticket] = nil
            rows.append(ticket)
        }
        return rows
    }

    /// Lists a host without rows as idle; if there are too many, the oldest are forgotten.
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
