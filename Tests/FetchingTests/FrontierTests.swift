import RandomNumbers
import Testing

@testable import Fetching

@Suite("the rows that wait for hosts")
struct FrontierTests {
    private static let limits = Frontier.Limits(slots: 100, perHost: 16, patience: .seconds(60))

    @Test("start in the order they came, a few with each host at first, as many as there are slots")
    func order() {
        var world = FrontierWorld(.init(slots: 10, perHost: 16))
        world.add(6, to: "a")
        world.add(6, to: "b")
        world.add(6, to: "c")
        #expect(world.start().sorted() == [1, 2, 3, 4, 7, 8, 9, 13, 14, 15].sorted())
        world.answer([7])
        #expect(world.start().count == 1)
    }

    @Test("are more at once the better their host answers, up to the bound")
    func growth() {
        var world = FrontierWorld(Self.limits)
        world.add(1000, to: "a")
        var peak = 0
        for _ in 0..<40 {
            let started = world.start()
            peak = max(peak, started.count)
            world.answer(started)
        }
        #expect(peak == 16)
    }

    @Test("are twice as many in each round until their host has had enough once")
    func slowStart() {
        var world = FrontierWorld(Self.limits)
        world.add(160, to: "a")
        var rounds: [Int] = []
        while case let started = world.start(), !started.isEmpty {
            rounds.append(started.count)
            world.sleep(7)
            world.answer(started, after: .seconds(7))
        }
        #expect(rounds.prefix(4) == [4, 8, 16, 16])
        #expect(rounds.count == 12)
    }

    @Test("are half as many after a burst of faults, which counts once", arguments: [HostFault.Kind.reset, .overload])
    func bursts(kind: HostFault.Kind) {
        var world = FrontierWorld(Self.limits)
        world.add(1000, to: "a")
        world.warm("a", to: 16)
        let burst = world.start()
        #expect(burst.count == 16)
        world.fail(burst, kind)
        #expect(world.frontier.limit(of: "a") == 8)
        world.sleep(1)
        for _ in 0..<12 { world.answer(world.start()) }
        #expect(world.frontier.limit(of: "a") == 15, "and grow slowly where it was too much before")
    }

    @Test("are fewer when many first bytes come late, and not because of one")
    func late() {
        var world = FrontierWorld(Self.limits)
        world.add(1000, to: "a")
        world.warm("a", to: 16)
        var started = world.start()
        world.answer([started.removeFirst()], after: .seconds(1))
        #expect(world.frontier.limit(of: "a") == 16)
        world.answer(started, after: .seconds(1))
        #expect(world.frontier.limit(of: "a") == 8)
    }

    @Test("wait as long as their host asks, while others go on")
    func retryAfter() {
        var world = FrontierWorld(Self.limits)
        world.add(10, to: "busy")
        let started = world.start()
        world.answer(Array(started.dropFirst()))
        world.fail(Array(started.prefix(1)), .overload, retryAfter: .seconds(7))
        #expect(world.start().isEmpty)
        let others = world.add(2, to: "b")
        #expect(world.start() == others)
        world.sleep(6.9)
        #expect(world.start().isEmpty)
        world.sleep(0.2)
        #expect(!world.start().isEmpty)
    }

    @Test("are put off when their host fails again and again, probed one at a time, and come back in turn")
    func aside() {
        var world = FrontierWorld(Self.limits)
        world.add(100, to: "a")
        var ended = world.failAll()
        #expect(ended == 7, "four, two and one")
        #expect(world.frontier.excuses("a"))
        for _ in 0..<5 {
            world.sleep(20)
            let probe = world.start()
            #expect(probe.count == 1)
            world.answer(probe)
            #expect(!world.frontier.excuses("a"))
            let others = world.failAll()
            #expect(others > 0)
            #expect(world.frontier.excuses("a"))
            ended += 1 + others
        }
        world.sleep(20)
        #expect(world.answerAll() == 100 - ended)
        #expect(world.frontier.waiting(for: "a").isEmpty && world.frontier.runningCount == 0)
    }

    @Test("are not excused without end by a host that was put aside and then breaks its answers off")
    func partialAside() {
        var world = FrontierWorld(Self.limits)
        world.add(100, to: "a")
        _ = world.failAll()
        world.sleep(20)
        let probe = world.start()
        world.fail(probe, .partial)
        #expect(!world.frontier.excuses("a"), "it answers, so the row's own tries count")
    }

    @Test(
        "end at once when their host asks for a longer pause than anybody waits, the later ones too, for a day at most",
        arguments: [Duration.seconds(7200), .seconds(1_000_000)])
    func longRetryAfter(wait: Duration) {
        var world = FrontierWorld(Self.limits)
        world.add(20, to: "a")
        let started = world.start()
        let ended = world.fail([started[0]], .overload, retryAfter: wait)
        #expect(ended == Array(5...20))
        func later() -> Bool {
            if case .gaveUp([1000], let fault) = world.frontier.add(1000, to: "a", at: world.now) {
                return fault.asksTooMuch
            }
            return false
        }
        // What those say that were with it before does not end the rest.
        world.answer([started[1]])
        world.fail([started[2]], .reset)
        world.fail([started[3]], .partial)
        #expect(later())
        world.sleep(Double(min(wait, .seconds(86_400)) / .seconds(1)) - 1)
        #expect(later())
        world.sleep(2)
        let rows = world.add(3, to: "a")
        #expect(!world.frontier.excuses("a"))
        #expect(world.start() == Array(rows.prefix(2)), "half as many as before, and no probe: it is in no trouble")
    }

    // MARK: Names

    @Test("start though their host's name is not fresh any more when a slot is free")
    func staleName() {
        var world = FrontierWorld(.init(slots: 1, perHost: 1))
        let first = world.add(1, to: "b")
        #expect(world.start() == first)
        let rows = world.add(2, to: "a", named: true)
        #expect(world.frontier.nextLookup(at: world.now) == "a")
        _ = world.frontier.named("a", .found(until: world.now + .seconds(5)), at: world.now)
        world.sleep(10)
        world.answer(first)
        #expect(world.start() == [rows[0]])
        world.answer([rows[0]])
        #expect(world.start().isEmpty)
        #expect(world.frontier.nextLookup(at: world.now) == "a", "for the next one it is looked up again")
    }

    @Test("look the name of a host up once, though it was forgotten and came back")
    func forgottenName() {
        var world = FrontierWorld(Self.limits)
        for host in 0...Frontier.idleLimit {
            for ticket in world.add(1, to: "h\(host)", named: true) { world.frontier.remove(ticket) }
        }
        #expect(!world.frontier.knows("h0"))
        world.add(1, to: "h0", named: true)
        #expect(world.frontier.nextLookup(at: world.now) == "h0")
        #expect(world.frontier.nextLookup(at: world.now) == nil)
        _ = world.frontier.named("h0", .found(until: world.now + .seconds(5)), at: world.now)
        #expect(world.frontier.lookupCount == 0)
        #expect(world.start().count == 1)
    }

    // MARK: Ends

    @Test(
        "end with a host that does not answer for longer than the patience; later rows of it end at once, for a while")
    func givenUp() {
        var world = FrontierWorld(Self.limits)
        world.add(20, to: "a")
        let start = world.now
        var ended: [Int] = []
        while ended.isEmpty, world.now - start < .seconds(200) {
            ended = world.fail(world.start())
            world.sleep(0.5)
        }
        #expect(world.now - start >= .seconds(60) && world.now - start < .seconds(80))
        #expect(ended.count + 7 <= 20 && !ended.isEmpty)
        let fault = world.frontier.add(1000, to: "a", at: world.now)
        if case .gaveUp([1000], _) = fault {} else { Issue.record("\(String(describing: fault))") }
        world.sleep(61)
        let probe = world.add(1, to: "a")
        #expect(world.start() == probe)
        world.answer(probe)
        let after = world.add(1, to: "a")
        #expect(world.start() == after)
    }

    @Test("of hosts in trouble take no slots from the others")
    func troubledSlots() {
        var world = FrontierWorld(.init(slots: 4, perHost: 1, patience: .seconds(60)))
        for host in 0..<20 { world.add(5, to: "dead\(host)") }
        while case let started = world.start(), !started.isEmpty { world.fail(started) }
        world.sleep(30)
        #expect(world.start().count == 2, "half as many as there are slots")
        world.add(10, to: "good1")
        world.add(10, to: "good2")
        world.add(10, to: "good3")
        world.add(10, to: "good4")
        #expect(world.start().count == 4)
    }

    @Test("that are cancelled leave nothing behind")
    func cancelled() {
        var world = FrontierWorld(Self.limits)
        let tickets = world.add(10_000, to: "a")
        for ticket in tickets.dropLast() { world.frontier.remove(ticket) }
        #expect(world.start() == [10_000])
        world.answer([10_000])
        #expect(world.frontier.waiting(for: "a").isEmpty && world.frontier.runningCount == 0)
    }

    @Test("are many thousands over thousands of hosts at little cost, and hosts without rows are forgotten in the end")
    func many() {
        var world = FrontierWorld(.init(slots: 128, perHost: 16, patience: .seconds(60)))
        for round in 0..<30 {
            for host in 0..<2000 { world.add(1, to: "h\(round % 3 == 0 ? host : host * 30 + round)") }
        }
        var done = 0
        while case let started = world.start(), !started.isEmpty {
            world.answer(started)
            done += started.count
        }
        #expect(done == 60_000)
        #expect(world.frontier.hostCount <= Frontier.idleLimit)
    }

    @Test("obey their limits whatever happens")
    func property() throws {
        for seed in UInt64(0)..<20 {
            var random = SplitMix64(seed: seed)
            var world = FrontierWorld(.init(slots: 8, perHost: 5, patience: .seconds(20)))
            var running: [Int: String] = [:]
            var origin: [Int: String] = [:]
            var waiting: Set<Int> = []
            for step in 0..<3000 {
                switch Int.random(in: 0..<5, using: &random) {
                case 0:
                    let host = "h\(Int.random(in: 0..<6, using: &random))"
                    for ticket in world.add(1, to: host) where world.frontier.waiting(for: host).contains(ticket) {
                        origin[ticket] = host
                        waiting.insert(ticket)
                    }
                case 1:
                    for ticket in world.start() {
                        try #require(waiting.remove(ticket) != nil, "seed \(seed), step \(step)")
                        running[ticket] = origin[ticket]
                    }
                case 2: world.sleep(Double.random(in: 0..<3, using: &random))
                default:
                    guard let ticket = running.keys.sorted().randomElement(using: &random) else { continue }
                    let host = running.removeValue(forKey: ticket)
                    if Bool.random(using: &random) || host == "h0" {
                        let ended = world.fail([ticket], host == "h1" ? .overload : .silence)
                        for row in ended { try #require(waiting.remove(row) != nil, "seed \(seed), step \(step)") }
                    } else {
                        world.answer([ticket])
                    }
                }
                for (host, tickets) in Dictionary(grouping: running.keys, by: { running[$0] ?? "" }) {
                    try #require(tickets.count <= 5, "seed \(seed), step \(step), \(host)")
                }
                try #require(running.count <= 8 + 4, "seed \(seed), step \(step)")
            }
            // In the end every row is answered, or ends with its host.
            var left = 2000
            while !(waiting.isEmpty && running.isEmpty), left > 0 {
                left -= 1
                for ticket in world.start() {
                    waiting.remove(ticket)
                    running[ticket] = origin[ticket]
                }
                for (ticket, host) in running {
                    running[ticket] = nil
                    if host == "h0" { waiting.subtract(world.fail([ticket])) } else { world.answer([ticket]) }
                }
                world.sleep(1)
            }
            try #require(waiting.isEmpty && running.isEmpty, "seed \(seed)")
        }
    }
}
