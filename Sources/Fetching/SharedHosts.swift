import Locks
package import Samples

/// What this process may use of each host, as the coordinator of its build shares it out among all workers.
///
/// Until there is a share of a host, and when there was none for a while, one transfer at once is allowed.
package final class SharedHosts: Sendable {
    typealias Instant = ContinuousClock.Instant

    private struct Entry {
        var running = 0
        /// The most that ran at once, and whether one had to wait, since that was told last.
        var most = 0
        var wasRefused = false
        /// Whether others may know something of it.
        var isInTrouble = false
        /// Whether that came after others were told last.
        var isNews = false
        var news: (held: Instant?, rest: Instant?, fault: HostFault?)?
        var share: (connections: Int, rate: Double, until: Instant)?
        var nextStart: Instant?
        var touched: Instant
    }

    /// How long a share is good for.
    private static let lifetime: Duration = .seconds(10)
    private static let shortWait: Duration = .milliseconds(100)
    /// The most hosts that are told of at once, and that are remembered.
    private static let reportLimit = 64
    private static let hostLimit = 50_000

    private let connections: Int
    private let rate: Double
    private let state = Locked([String: Entry]())

    /// Shares of hosts with which the build has at most `connections` transfers at once and `rate` starts a second; a rate of 0 sets
    /// no limit.
    package init(connections: Int, rate: Double) { (self.connections, self.rate) = (connections, rate) }

    /// Takes a place of `origin`; otherwise says how long to wait before asking again.
    func claim(_ origin: String, at now: Instant) -> Duration? {
        state.withLock { entries in
            if entries.count >= Self.hostLimit { entries = entries.filter { $0.value.running > 0 } }
            var entry = entries[origin] ?? Entry(touched: now)
            defer { entries[origin] = entry }
            entry.touched = now
            let share = entry.share.flatMap { $0.until > now ? $0 : nil }
            guard entry.running < share?.connections ?? 1 else {
                entry.wasRefused = true
                return Self.shortWait
            }
            if let next = entry.nextStart, next > now {
                entry.wasRefused = true
                return next - now
            }
            let rate = share?.rate ?? rate
            if self.rate > 0 { entry.nextStart = now + .seconds(1 / max(rate, 1e-4)) }
            entry.running += 1
            entry.most = max(entry.most, entry.running)
            return nil
        }
    }

    /// Gives a place of `origin` back.
    func release(_ origin: String) { state.withLock { $0[origin]?.running -= 1 } }

    /// Notes that `origin` is in trouble, and what became of that: until when it asked to be left alone, and until when it is given up.
    func learn(_ origin: String, held: Instant?, rest: HostRecord.Rest?, at now: Instant) {
        state.withLock { entries in
            var entry = entries[origin] ?? Entry(touched: now)
            (entry.isInTrouble, entry.isNews) = (true, true)
            if held != nil || rest != nil { entry.news = (held, rest?.until, rest?.fault) }
            entries[origin] = entry
        }
    }

    /// Whether a transfer waits and nothing is shared yet: what is to be told then need not wait.
    ///
    /// Later a new host waits for its turn: in a list of many hosts there is always one.
    package var isWaiting: Bool {
        state.withLock { $0.values.contains(where: \.wasRefused) && $0.values.allSatisfy { $0.share == nil } }
    }

    /// What is used and wanted of hosts, to be told to the coordinator every few seconds.
    package func uses(at now: ContinuousClock.Instant) -> [HostUse] {
        state.withLock { entries in
            var uses: [HostUse] = []
            for (origin, entry) in entries {
                if entry.running == 0, entry.share == nil, !entry.isInTrouble, now - entry.touched > Self.lifetime {
                    entries[origin] = nil
                    continue
                }
                guard entry.most > 1 || entry.wasRefused || entry.share != nil || entry.isInTrouble else { continue }
                uses.append(
                    HostUse(
                        host: origin, running: entry.running, wanted: entry.wasRefused ? connections : entry.most,
                        news: entry.news.map { Self.news($0, at: now) }))
            }
            uses.sort { ($1.news != nil ? 1 : 0, $1.wanted, $0.host) < ($0.news != nil ? 1 : 0, $0.wanted, $1.host) }
            uses.removeLast(max(0, uses.count - Self.reportLimit))
            for use in uses { entries[use.host]?.isNews = false }
            return uses
        }
    }

    private static func news(_ news: (held: Instant?, rest: Instant?, fault: HostFault?), at now: Instant) -> HostNews {
        func left(_ until: Instant?) -> Double? { until.flatMap { $0 > now ? ($0 - now) / .seconds(1) : nil } }
        let rest = left(news.rest)
        return HostNews(
            heldSeconds: left(news.held), restSeconds: rest, finding: rest == nil ? nil : news.fault?.finding)
    }

    /// Takes in the answer to `uses`, of the time `asked`; gives what others have learnt, by host.
    ///
    /// Shares count from then, since the coordinator forgets them by then too, however long its answer was under way.
    func apply(_ shares: [HostShare], to uses: [HostUse], asked: Instant) -> [(host: String, news: HostNews)] {
        let own = Dictionary(uses.map { ($0.host, $0) }) { first, _ in first }
        state.withLock { entries in
            for use in uses {
                guard var entry = entries[use.host] else { continue }
                (entry.most, entry.wasRefused) = (entry.running, false)
                // What was learnt meanwhile is for the next time.
                if !entry.isNews { (entry.isInTrouble, entry.news) = (false, nil) }
                entries[use.host] = entry
            }
            for share in shares where own[share.host] != nil {
                // One that is not used any more was told so, and is given up.
                let isIdle = own[share.host].map { $0.running == 0 && $0.wanted == 0 } ?? true
                entries[share.host]?.share =
                    isIdle ? nil : (max(0, share.connections), max(0, share.rate), asked + Self.lifetime)
            }
        }
        return shares.compactMap { share in share.news.map { (share.host, $0) } }
    }
}

extension HostFault {
    /// What others are told.
    var finding: HostFinding {
        HostFinding(kind: kind.rawValue, reason: rejection.reason.rawValue, message: rejection.message, status: status)
    }

    /// What another worker found; nil where this version knows no such fault.
    init?(_ finding: HostFinding) {
        guard let kind = Kind(rawValue: finding.kind), let reason = Rejection.Reason(rawValue: finding.reason) else {
            return nil
        }
        self.init(kind: kind, rejection: Rejection(reason, String(finding.message.prefix(500))), status: finding.status)
    }
}
