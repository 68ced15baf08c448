package import Samples

/// Who may use how much of which host, as a pure value: all workers together are as polite as one.
///
/// A host's connections are divided among the workers that want them; where there are more workers than connections, they take
/// turns. A share grows only by what no other worker has any more, so the sum never exceeds the limit, however late somebody hears
/// that its share is smaller.
package struct HostShares: Sendable {
    /// After so long without a word a worker's share is free: the worker has given it up by then too.
    package static let memory: Duration = .seconds(10)
    /// The most hosts that a worker may name at once, and that are remembered.
    package static let reportLimit = 64
    static let hostLimit = 100_000
    /// How long a turn is.
    fileprivate static let turn: Duration = .seconds(4)

    fileprivate struct Member: Sendable {
        var granted = 0
        var running = 0
        var wanted = 0
        var heard: Duration
        /// What it may use because it has it, or may take at any moment.
        var held: Int { max(granted, running) }
    }

    fileprivate struct Host: Sendable {
        private(set) var members: [String: Member] = [:]
        /// What all members together hold: counted as they change, since a host may have a thousand of them.
        private(set) var held = 0
        /// What each member is to have, and when that was found out.
        var fair: [String: Int] = [:]
        var divided: Duration?
        var heldUntil: Duration?
        var restUntil: Duration?
        var finding: HostFinding?

        /// `member` is what `worker` has from now on; nil where it has ended.
        mutating func set(_ worker: String, _ member: Member?) {
            held += (member?.held ?? 0) - (members[worker]?.held ?? 0)
            members[worker] = member
        }
    }

    private let connections: Int
    private let rate: Double
    private var hosts: [String: Host] = [:]
    private var cleared: Duration = .zero

    /// Shares of `connections` transfers at once and `rate` requests a second with each host; a rate of 0 sets no limit.
    package init(connections: Int, rate: Double) { (self.connections, self.rate) = (connections, rate) }

    /// How many hosts are remembered.
    package var hostCount: Int { hosts.count }

    /// Takes in what `worker` uses at `now`, and answers what it may use from now on.
    package mutating func report(_ worker: String, _ uses: [HostUse], at now: Duration) -> [HostShare] {
        clear(at: now)
        return uses.prefix(Self.reportLimit).compactMap { use in
            guard hosts[use.host] != nil || hosts.count < Self.hostLimit else { return nil }
            return hosts[use.host, default: Host()].report(
                worker, use, of: (connections: connections, rate: rate), at: now)
        }
    }

    /// Forgets what `worker` has, which has ended.
    package mutating func forget(_ worker: String) {
        for host in hosts.keys { hosts[host]?.set(worker, nil) }
    }

    /// Forgets hosts that nobody uses and of which nothing is known.
    private mutating func clear(at now: Duration) {
        guard now - cleared > Self.memory else { return }
        cleared = now
        hosts = hosts.filter { _, host in
            host.members.values.contains { now - $0.heard < Self.memory }
                || [host.heldUntil, host.restUntil].contains { $0.map { $0 > now } ?? false }
        }
    }
}

extension HostShares.Host {
    /// Takes in that `worker` makes this `use` of the host; answers its share of `limits`.
    fileprivate mutating func report(
        _ worker: String, _ use: HostUse, of limits: (connections: Int, rate: Double), at now: Duration
    ) -> HostShare {
        learn(use.news, at: now)
        let former = members[worker]
        var member = former ?? HostShares.Member(heard: now)
        let isNew = former == nil || (member.wanted > 0) != (use.wanted > 0)
        (member.running, member.wanted, member.heard) = (max(0, use.running), max(0, use.wanted), now)
        set(worker, member)
        if isNew || divided.map({ now - $0 >= .seconds(1) }) ?? true { divide(limits.connections, at: now) }
        member.granted = max(0, min(fair[worker, default: 0], limits.connections - (held - member.held)))
        set(worker, member)
        return HostShare(
            host: use.host, connections: member.granted,
            rate: limits.rate * Double(member.granted) / Double(limits.connections), news: news(at: now))
    }

    /// Divides `connections` among those who want them: nobody gets more than it wants, and all others alike.
    private mutating func divide(_ connections: Int, at now: Duration) {
        for (name, member) in members where now - member.heard >= HostShares.memory { set(name, nil) }
        divided = now
        fair = [:]
        let wanting = members.filter { $0.value.wanted > 0 }
        guard wanting.count <= connections else {
            // By turns: each time the next ones by name.
            let names = wanting.keys.sorted()
            let start = Int(now / HostShares.turn) * connections % names.count
            for offset in 0..<connections { fair[names[(start + offset) % names.count]] = 1 }
            return
        }
        var left = connections
        let ordered = wanting.sorted { ($0.value.wanted, $0.key) < ($1.value.wanted, $1.key) }
        for (index, (name, member)) in ordered.enumerated() {
            let part = min(member.wanted, (left + wanting.count - index - 1) / (wanting.count - index))
            fair[name] = part
            left -= part
        }
    }

    private mutating func learn(_ news: HostNews?, at now: Duration) {
        guard let news else { return }
        if let held = news.heldSeconds { heldUntil = max(heldUntil ?? now, now + Self.bounded(held)) }
        if let rest = news.restSeconds, let finding = news.finding {
            restUntil = now + Self.bounded(rest)
            self.finding = finding
        }
    }

    private func news(at now: Duration) -> HostNews? {
        func left(_ until: Duration?) -> Double? {
            until.flatMap { $0 > now ? ($0 - now) / .seconds(1) : nil }
        }
        let rest = left(restUntil)
        let news = HostNews(heldSeconds: left(heldUntil), restSeconds: rest, finding: rest == nil ? nil : finding)
        return news == HostNews() ? nil : news
    }

    /// A day at most.
    private static func bounded(_ seconds: Double) -> Duration {
        .seconds(seconds.isFinite ? min(max(0, seconds), 86_400) : 0)
    }
}
