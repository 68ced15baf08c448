import Samples

/// Why nothing is fetched for a while: the network, the resolver or the one host that matters is down, not the rows.
package struct Outage: Hashable, Sendable {
    /// A sentence without its full stop, such as `no answer from any of 60 hosts: name lookup failed`.
    package let text: String
    /// The one host that does not answer; nil where nothing does, and nothing is asked but now and then.
    let origin: String?
    /// Whether it is that of the servers for names.
    var isOfNames = false

    var isWhole: Bool { origin == nil }
    /// Whether what `origin` does says nothing about it, for as long as this lasts.
    func covers(_ origin: String) -> Bool { self.origin.map { $0 == origin } ?? true }
}

/// What is told of outages.
package enum OutageEvent: Hashable, Sendable {
    case began(Outage)
    case ended
    /// It lasts longer than the policy allows.
    case exceeded(Outage)
}

/// Whether the network works, as far as the answers of hosts tell: it keeps the clock by which patience is measured.
///
/// When no host has answered for a while, those that answered last are asked whether they still do: witnesses. Where
/// none does, or none ever did, it is an outage.
struct NetworkWatch: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// What is going on besides faults.
    struct Situation {
        /// Exchanges under way with hosts that have not failed lately.
        var healthyCount = 0
        /// A host that answered before and does not now, of a good part of all rows, with nothing to do but its rows.
        var dominant: String?
    }

    enum Step: Hashable {
        case none
        /// Find out whether these answer, and say so with `witnessed`.
        case ask([String])
        case begin(Outage)
        /// It is time for a few requests, to see whether the outage is over.
        case probe
        /// The outage lasts longer than it may.
        case giveUp(Outage)
    }

    /// Without an answer for so long, something may be wrong.
    static let silence = Duration.seconds(3)
    /// How often witnesses are asked while nobody else answers.
    static let questionInterval = Duration.seconds(10)
    /// The longest time between two answers in which the network is taken to have worked.
    private static let longestGap = Duration.seconds(20)
    private static let longestPause = Duration.seconds(30)
    private static let witnessLimit = 3
    private static let faultyLimit = 10_000
    /// So many hosts in a row that did not answer are a reason to ask, whatever is under way.
    private static let faultyHosts = 8
    /// So many names in a row that no server can say anything about are the resolver's fault, or the network's.
    private static let nameLimit = 5

    /// The longest outage; zero takes every fault for the host's.
    private let limit: Duration
    private let start: Instant
    /// What was seen of the answers of hosts, and of the answers of servers for names.
    private var answers: Silence
    private var names: Silence
    private var worked = Duration.zero
    private(set) var witnesses: [String] = []
    /// How many witnesses have not said anything yet, and when they were asked last.
    private var openQuestions = 0
    private var asked: Instant?
    /// When those were asked of whom none answered.
    private var denied: Instant?
    private(set) var outage: Outage?
    private var began: Instant
    /// Whether it was said that it lasts too long.
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
        /// Those that failed since then, with what was the matter.
        var faulty: [String: String] = [:]
    }

    private var isOn: Bool { limit > .zero }

    /// For how long the network was seen to work.
    func time(at now: Instant) -> Duration { isOn ? worked : start.duration(to: now) }

    /// When it was last seen to work; nil where nobody looks.
    var seen: Instant? { isOn ? answers.since : nil }

    /// Whether it was seen to work after `instant`.
    func isCertain(since instant: Instant) -> Bool { !isOn || (outage == nil && answers.since > instant) }

    /// When to look at it again although nothing happens.
    var wakeTime: Instant? {
        if outage != nil { return isGivenUp ? nextProbe : min(nextProbe, began + limit) }
        guard isOn, !(answers.faulty.isEmpty && names.faulty.count < Self.nameLimit), openQuestions == 0 else {
            return nil
        }
        let since = answers.faulty.isEmpty ? names.since : answers.since
        return max(since + Self.silence, asked.map { $0 + Self.questionInterval } ?? since)
    }

    /// `origin` answered; gives the outage that ends with that.
    mutating func answered(_ origin: String, at now: Instant) -> Outage? {
        if witnesses.last != origin {
            witnesses.removeAll { $0 == origin }
            witnesses.append(origin)
            if witnesses.count > Self.witnessLimit { witnesses.removeFirst() }
        }
        return works(at: now, heard: origin)
    }

    /// The network works, since `origin` was heard, or a witness; gives the outage that ends with that.
    private mutating func works(at now: Instant, heard origin: String? = nil) -> Outage? {
        if outage == nil { worked += min(answers.since.duration(to: now), Self.longestGap) }
        answers = Silence(since: now)
        guard let old = outage, old.isWhole || old.origin == origin else { return nil }
        outage = nil
        return old
    }

    /// Nobody waits any more for the one host that does not answer.
    mutating func endOutage() { outage = nil }

    /// Nothing was heard from `origin`.
    mutating func failed(_ origin: String, _ fault: HostFault, at now: Instant) {
        guard isOn else { return }
        if answers.faulty.count < Self.faultyLimit { answers.faulty[origin] = fault.rejection.message }
        if fault.kind == .name, names.faulty.count < Self.faultyLimit {
            names.faulty[origin] = fault.rejection.message
        }
    }

    /// A server for names answered; gives the outage that ends with that.
    mutating func named(at now: Instant) -> Outage? {
        names = Silence(since: now)
        return outage?.isOfNames == true ? works(at: now) : nil
    }

    /// A witness that was asked answered, or did not; gives the outage that ends with that.
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

    /// What is to be done now.
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
