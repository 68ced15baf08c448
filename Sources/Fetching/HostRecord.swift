/// What became of the lookup of a host's name.
enum NameOutcome: Hashable, Sendable {
    /// It has addresses, valid until a time.
    case found(until: ContinuousClock.Instant)
    /// There is no such name, or it has no address.
    case none(HostFault)
    /// No name server could say.
    case failed(HostFault)
}

/// What is known of one host.
struct HostRecord {
    typealias Instant = ContinuousClock.Instant

    /// Bursts of faults without an answer in between.
    struct Trouble {
        var fault: HostFault
        let began: Instant
        /// When it began, by the network's clock.
        let since: Duration
        var burstCount = 0
        /// Whether the host is put aside, and how many probes there were.
        var isAside = false
        var probeCount = 0
    }

    /// What rows of a host that was given up fail with, and until when.
    struct Rest {
        let fault: HostFault
        let until: Instant
    }

    enum Name {
        /// Nil if it never expires.
        case known(until: Instant?)
        case unknown
        /// Its lookup is to begin.
        case wanted
        case asked

        func isKnown(at now: Instant) -> Bool {
            if case .known(let until) = self { until.map { now < $0 } ?? true } else { false }
        }

        var wasFound: Bool { if case .known = self { true } else { false } }
    }

    let origin: String
    var name: Name
    var manners: Manners
    var waiting = FIFO<Frontier.Ticket>()
    /// How many of `waiting` still wait.
    var waitingCount = 0
    var runningCount = 0
    /// The number of the last exchange that was started, and of the last that belongs to a burst that was counted.
    var latest = -1
    var counted = -1
    var addedCount = 0
    var trouble: Trouble?
    /// When the next request may start: by our own judgement, and by the host's Retry-After.
    var notBefore: Instant?
    var askedUntil: Instant?
    var rest: Rest?
    /// How long it was left alone last time.
    var restLength: Duration?
    var isQueued = false
    var isListedAsIdle = false
    /// When a timer goes off for it.
    var timer: Instant?

    init(_ origin: String, _ manners: Manners, isNamed: Bool) {
        (self.origin, self.manners) = (origin, manners)
        name = isNamed ? .unknown : .known(until: nil)
    }

    var isAside: Bool { trouble?.isAside ?? false }
    var allowed: Int { isAside ? 1 : manners.limit }
    var isIdle: Bool {
        if case .asked = name { return false }
        return waitingCount == 0 && runningCount == 0
    }

    /// When the next request may start.
    var nextStart: Instant? {
        guard let notBefore, let askedUntil else { return notBefore ?? askedUntil }
        return max(notBefore, askedUntil)
    }

    /// Whether its first row may start.
    ///
    /// The name was fresh when the host was queued. It may have expired since: looking it up again would send the host to the
    /// end of the queue, each time.
    func mayStart(at now: Instant) -> Bool {
        name.wasFound && waitingCount > 0 && runningCount < allowed && nextStart.map { $0 <= now } ?? true
    }
}
