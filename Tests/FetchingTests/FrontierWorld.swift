import Samples

@testable import Fetching

/// A frontier with a clock that its test moves.
struct FrontierWorld {
    var frontier: Frontier
    var now: ContinuousClock.Instant
    private var lastTicket = 0

    init(_ limits: Frontier.Limits) {
        now = ContinuousClock.now
        frontier = Frontier(limits, at: now)
    }

    @discardableResult
    mutating func add(_ count: Int, to origin: String, named: Bool = false) -> [Int] {
        (0..<count).map { _ in
            lastTicket += 1
            _ = frontier.add(lastTicket, to: origin, named: named, at: now)
            return lastTicket
        }
    }

    mutating func start() -> [Int] {
        var started: [Int] = []
        while let ticket = frontier.next(at: now) { started.append(ticket) }
        return started
    }

    mutating func answer(_ tickets: [Int], after time: Duration = .milliseconds(10)) {
        for ticket in tickets {
            _ = frontier.ended(ticket, .answered(connect: nil, firstByte: time), at: now)
        }
    }

    /// Ends them with a fault; gives the rows that end with their host.
    @discardableResult
    mutating func fail(_ tickets: [Int], _ kind: HostFault.Kind = .connection, retryAfter: Duration? = nil) -> [Int] {
        let fault = HostFault(
            kind: kind, rejection: Rejection(.downloadError, "no"), retryAfter: retryAfter,
            asksTooMuch: (retryAfter ?? .zero) > frontier.limits.patience)
        return tickets.flatMap { ticket in
            frontier.ended(ticket, .failed(fault), at: now).flatMap { notice -> [Int] in
                if case .gaveUp(let rows, _) = notice { rows } else { [] }
            }
        }
    }

    /// Fails all that start now, and those that start then.
    mutating func failAll(_ kind: HostFault.Kind = .connection) -> Int {
        var count = 0
        while case let started = start(), !started.isEmpty {
            count += started.count
            fail(started, kind)
        }
        return count
    }

    /// Answers all that start now, and those that start then.
    mutating func answerAll() -> Int {
        var count = 0
        while case let started = start(), !started.isEmpty {
            count += started.count
            answer(started)
        }
        return count
    }

    mutating func check() -> NetworkWatch.Step { frontier.check(at: now).0 }

    /// Answers rounds of exchanges until `origin` takes `limit` at once.
    mutating func warm(_ origin: String, to limit: Int) {
        for _ in 0..<100 where frontier.limit(of: origin) < limit { answer(start()) }
    }

    mutating func sleep(_ seconds: Double) { now += .seconds(seconds) }
}
