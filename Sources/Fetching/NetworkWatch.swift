import Samples

/// Why fetching is paused: the network, the resolver or the one host that matters is down; the rows are not at fault.
package struct Outage: Hashable, Sendable {
    /// A sentence without its full stop, such as `no answer from any of 60 hosts: name lookup failed`.
    package let text: String
    /// The one host that does not answer; nil if none does, and only probes are sent.
    let origin: String?
    /// Whether the name servers are down.
    var isOfNames = false

    var isWhole: Bool { origin == nil }
    /// Whether faults of `origin` are explained by it.
    func covers(_ origin: String) -> Bool { self.origin.map { $0 == origin } ?? true }
}

/// What the caller is told about outages.
package enum OutageEvent: Hashable, Sendable {
    case began(Outage)
    case ended
    /// It has lasted longer than the policy allows.
    case exceeded(Outage)
}

/// Judges by the answers of hosts whether the network works, and keeps the clock by which patience is measured.
///
/// When no host has answered for a while, the hosts that answered last are contacted again, as witnesses. If none of them
/// answers, or no host ever did, it is an outage.
struct NetworkWatch: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What happens besides faults.
    struct Situation {
        /// Exchanges under way with hosts that have not failed lately.
        var healthyCount = 0
        /// A host that answered before and does not now, with a good part of all rows, when only its rows are left to fetch.
        var dominant: String?
    }

    enum Step: Hashable {
        case none
        /// Find out whether these answer, and report it to `witnessed`.
        case ask([String])
        case begin(Outage)
        /// Send a few requests to see whether the outage is over.
        case probe
        /// The outage has lasted longer than the limit.
        case giveUp(Outage)
    }

    /// After this long without an answer something may be wrong.
    static let silence = Duration.seconds(3)
    /// How often witnesses are asked while nobody else answers.
    static let questionInterval = Duration.seconds(10)
    /// The longest time between two answers in which the network is taken to have worked.
    private static let longestGap = Duration.seconds(20)
    private static let longestPause = Duration.seconds(30)
    private static let witnessLimit = 3
    private static let faultyLimit = 10_000
    /// After this many silent hosts in a row witnesses are asked, whatever else is under way.
    private static let faultyHosts = 8
    /// After this many failed lookups in a row the resolver or the network is suspected.
    private static let nameLimit = 5

    /// The longest outage; with zero every fault is the host's.
    private let limit: Duration
    private let start: Instant
    /// Since when no host, and no name server, has answered.
    private var answers: Silence
    private var names: Silence
    private var worked = Duration.zero
    private(set) var witnesses: [String] = []
    /// How many witnesses have not answered yet, and when they were asked.
    private var openQuestions = 0
    private var asked: Instant?
    /// When witnesses were asked of which none answered.
    private var denied: Instant?
    private(set) var outage: Outage?
    private var began: Instant
    /// Whether it was reported that the outage lasts too long.
    private var isGivenUp = false
    private var pause = Duration.seconds(1)
    /// When the next few requests may go out during an outage.
    private(set) var nextProbe: Instant

    init(limit: Duration, at now: Instant) {
        self.limit = limit
        (start, began, nextProbe) = (now, now, now)
        (answers, names) = (Silence(since: now), Silence(since: now))
    }

    private struct Silence {
        var since: Instant
        /// The hosts that failed since then, with the reason.
        var faulty: [String: String] = [:]
    }

    private var isOn: Bool { limit > .zero }

    /// How long the network has worked, as far as it was seen.
    func time(at now: Instant) -> Duration { isOn ? worked : start.duration(to: now) }

    /// When it was last seen to work; nil if it is not watched.
    var seen: Instant? { isOn ? answers.since : nil }

    /// Whether it was seen to work after `instant`.
    func isCertain(since instant: Instant) -> Bool { !isOn || (outage == nil && answers.since > instant) }

    /// When to call `step` again even if nothing happens.
    var wakeTime: Instant? {
        if outage != nil { return isGivenUp ? nextProbe : min(nextProbe, began + limit) }
        guard isOn, !(answers.faulty.isEmpty && names.faulty.count < Self.nameLimit), openQuestions == 0 else {
            return nil
        }
        let since = answers.faulty.isEmpty ? names.since : answers.since
        return max(since + Self.silence, asked.map { $0 + Self.questionInterval } ?? since)
    }

    /// `origin` answered; returns the outage that ends with that.
    mutating func answered(_ origin: String, at now: Instant) -> Outage? {
        if witnesses.last != origin {
            witnesses.removeAll { $0 == origin }
            witnesses.append(origin)
            if witnesses.count > Self.witnessLimit { witnesses.removeFirst() }
        }
        return works(at: now, heard: origin)
    }

    /// The network works, since `origin` or a witness answered; returns the outage that ends with that.
    private mutating func works(at now: Instant, heard origin: String? = nil) -> Outage? {
        if outage == nil { worked += min(answers.since.duration(to: now), Self.longestGap) }
        answers = Silence(since: now)
        guard let old = outage, old.isWhole || old.origin == origin else { return nil }
        outage = nil
        return old
    }

    /// Ends the outage of a host for which no row waits any more.
    mutating func endOutage() { outage = nil }

    /// An exchange with `origin` failed without an answer.
    mutating func failed(_ origin: String, _ fault: HostFault, at now: Instant) {
        guard isOn else { return }
        if answers.faulty.count < Self.faultyLimit { answers.faulty[origin] = fault.rejection.message }
        if fault.kind == .name, names.faulty.count < Self.faultyLimit {
            names.faulty[origin] = fault.rejection.message
        }
    }

    /// A name server answered; returns the outage that ends with that.
    mutating func named(at now: Instant) -> Outage? {
        names = Silence(since: now)
        return outage?.isOfNames == true ? works(at: now) : nil
    }

    /// A witness that was asked answered, or did not; returns the outage that ends with that.
    mutating func witnessed(_ answered: Bool, at now: Instant) -> Outage? {
        openQuestions = max(0, openQuestions - 1)
        guard answered else {
            if openQuestions == 0 { denied = asked }
            return nil
        }
        openQuestions = 0
        asked = now
        names = Silence(since: now)
        return works(at: now)
    }

    /// What to do now.
    mutating func step(_ situation: Situation, at now: Instant) -> Step {
        guard isOn else { return .none }
        if let outage {
            if now >= began + limit, !isGivenUp {
                isGivenUp = true
                return .giveUp(outage)
            }
            guard now >= nextProbe else { return .none }
            pause = min(pause * 2, Self.longestPause)
            nextProbe = now + pause
            return .probe
        }
        let isSilent =
            !answers.faulty.isEmpty && now >= answers.since + Self.silence
            && (situation.healthyCount * 9 <= answers.faulty.count || answers.faulty.count >= Self.faultyHosts)
        let isNameless = names.faulty.count >= Self.nameLimit && now >= names.since + Self.silence
        guard isSilent || isNameless, openQuestions == 0 else { return .none }
        if isSilent, let dominant = situation.dominant {
            return begin(named: [dominant: answers.faulty[dominant] ?? "silence"], origin: dominant, at: now)
        }
        if witnesses.isEmpty { return begin(named: isSilent ? answers.faulty : names.faulty, at: now) }
        if let denied, (denied > answers.since && isSilent) || (denied > names.since && isNameless) {
            return begin(named: isSilent ? answers.faulty : names.faulty, at: now)
        }
        if let asked, now < asked + Self.questionInterval { return .none }
        asked = now
        openQuestions = witnesses.count
        return .ask(witnesses)
    }

    private mutating func begin(named faulty: [String: String], origin: String? = nil, at now: Instant) -> Step {
        let isOfNames = origin == nil && names.faulty.count * 2 >= faulty.count
        let new = Outage(text: Self.text(faulty), origin: origin, isOfNames: isOfNames)
        outage = new
        (began, pause, nextProbe, isGivenUp) = (now, .seconds(1), now + .seconds(1), false)
        (asked, denied) = (nil, nil)
        return .begin(new)
    }

    private static func text(_ faulty: [String: String]) -> String {
        let counts = Dictionary(faulty.values.map { ($0, 1) }, uniquingKeysWith: +)
        let cause = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "silence"
        guard faulty.count == 1, let host = faulty.keys.first?.split(separator: "/").last else {
            return "no answer from any of \(faulty.count) hosts: \(cause)"
        }
        return "\(host) does not answer: \(cause)"
    }
}
