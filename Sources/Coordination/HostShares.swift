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
    private static let turn: Duration = .seconds(4)

    private struct Member: Sendable {
        var granted = 0
        var running = 0
        var wanted = 0
        var heard: Duration
        /// What it may use because it has it, or may take at any moment.
        var held: Int { max(granted, running) }
    }

    private struct Host: Sendable {
        var members: [String: Member] = [:]
        /// What each member is to have, and when that was found out.
        var fair: [String: Int] = [:]
        var divided: Duration?
        var heldUntil: Duration?
        var restUntil: Duration?
        var finding: HostFinding?
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
            var host = hosts[use.host] ?? Host()
            defer { hosts[use.host] = host }
            learn(use.news, of: &host, at: now)
            var member = host.members[worker] ?? Member(heard: now)
            let isNew = host.members[worker] == nil || (member.wanted > 0) != (use.wanted > 0)
            (member.running, member.wanted, member.heard) = (max(0, use.running), max(0, use.wanted), now)
            host.members[worker] = member
            if isNew || host.divided.map({ now - $0 >= .seconds(1) }) ?? true { divide(&host, at: now) }
            let others = host.members.reduce(0) { $0 + ($1.key == worker ? 0 : $1.value.held) }
            member.granted = max(0, min(host.fair[worker, default: 0], connections - others))
            host.members[worker] = member
            let part = rate * Double(member.granted) / Double(connections)
            return HostShare(
                host: use.host, connections: member.granted, rate: part, news: news(of: host, at: now))
        }
    }

    /// Forgets what `worker` has, which has ended.
    package mutating func forget(_ worker: String) {
        for host in hosts.keys { hosts[host]?.members[worker] = nil }
    }

    /// Divides the connections among those who want them: nobody gets more than it wants, and all others alike.
    private func divide(_ host: inout Host, at now: Duration) {
        host.members = host.members.filter { now - $0.value.heard < Self.memory }
        host.divided = now
        host.fair = [:]
        let wanting = host.members.filter { $0.value.wanted > 0 }.sorted {
            ($0.value.wanted, $0.key) < ($1.value.wanted, $1.key)
        }
        guard wanting.count <= connections else {
            // By turns: each time the next ones by name.
            let names = wanting.map(\.key).sorted()
            let start = Int(now / Self.turn) * connections % names.count
            for offset in 0..<connections { host.fair[names[(start + offset) % names.count]] = 1 }
            return
        }
        var left = connections
        for (index, (name, member)) in wanting.enumerated() {
            let part = min(member.wanted, (left + wanting.count - index - 1) / (wanting.count - index))
            host.fair[name] = part
            left -= part
        }
    }

    private func learn(_ news: HostNews?, of host: inout Host, at now: Duration) {
        guard let news else { return }
        if let held = news.heldSeconds { host.heldUntil = max(host.heldUntil ?? now, now + Self.bounded(held)) }
        if let rest = news.restSeconds, let finding = news.finding {
            host.restUntil = now + Self.bounded(rest)
            host.finding = finding
        }
    }

    private func news(of host: Host, at now: Duration) -> HostNews? {
        func left(_ until: Duration?) -> Double? {
            until.flatMap { $0 > now ? ($0 - now) / .seconds(1) : nil }
        }
        let news = HostNews(
            heldSeconds: left(host.heldUntil), restSeconds: left(host.restUntil),
            finding: left(host.restUntil) == nil ? nil : host.finding)
        return news == HostNews() ? nil : news
    }

    /// A day at most.
    private static func bounded(_ seconds: Double) -> Duration {
        .seconds(seconds.isFinite ? min(max(0, seconds), 86_400) : 0)
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
