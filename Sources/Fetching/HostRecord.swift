/// What became of the look-up of a host's name.
enum NameOutcome: Hashable, Sendable {
    /// It has addresses, until a time.
    case found(until: ContinuousClock.Instant)
    /// There is no such name, or it has no address.
    case none(HostFault)
    /// No server for names could say.
    case failed(HostFault)
}

/// What is known of one host.
struct HostRecord {
    /// A number of bursts of faults with no answer in between.
    struct Trouble {
        var fault: HostFault
        let began: ContinuousClock.Instant
        /// When it began, by the network's clock.
        let since: Duration
        var burstCount = 0
        /// Whether its rows wait for probes, and how many of these there were.
        var isAside = false
        var probeCount = 0
        /// Until when rows of a host that was given up end at once.
        var restsUntil: ContinuousClock.Instant?
    }

    enum Name {
        /// Nil for ever.
        case known(until: ContinuousClock.Instant?)
        case unknown
        /// Its look-up is to begin.
        case wanted
        case asked

        func isKnown(at now: ContinuousClock.Instant) -> Bool {
            if case .known(let until) = self { until.map { now < $0 } ?? true } else { false }
        }
    }

    var name: Name
    var manners: Manners
    var waiting = FIFO<Frontier.Ticket>()
    /// Of `waiting`, those that have not gone.
    var waitingCount = 0
    var runningCount = 0
    /// The number of the last exchange that was started, and of the last that belongs to a burst that was counted.
    var latest = -1
    var counted = -1
    var addedCount = 0
    var trouble: Trouble?
    var notBefore: ContinuousClock.Instant?
    var rest: Duration?
    var isQueued = false
    var isListedAsIdle = false
    /// When a timer goes off for it.
    var timer: ContinuousClock.Instant?

    init(_ manners: Manners, isNamed: Bool) {
        self.manners = manners
        name = isNamed ? .unknown : .known(until: nil)
    }

    var isAside: Bool { trouble?.isAside ?? false }
    var allowed: Int { isAside ? 1 : manners.limit }
    var isIdle: Bool {
        if case .asked = name { return false }
        return waitingCount == 0 && runningCount == 0
    }

    func mayStart(at now: ContinuousClock.Instant) -> Bool {
        name.isKnown(at: now) && waitingCount > 0 && runningCount < allowed && notBefore.map { $0 <= now } ?? true
    }

    mutating func isWell() {
        if isAside { notBefore = nil }
        (trouble, rest) = (nil, nil)
    }
}
