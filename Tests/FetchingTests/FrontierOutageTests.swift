import Testing

@testable import Fetching

@Suite("the rows that wait in an outage")
struct FrontierOutageTests {
    private static let watched = Frontier.Limits(
        slots: 100, perHost: 16, patience: .seconds(60), outage: .seconds(3600))

    /// A world in which nine hosts do not answer any more, and it is an outage.
    private func outage(after prepare: (inout FrontierWorld) -> Void = { _ in }) throws -> FrontierWorld {
        var world = FrontierWorld(Self.watched)
        prepare(&world)
        for host in 0..<9 { world.add(20, to: "dead\(host)") }
        _ = world.failAll()
        world.sleep(3.1)
        if case .ask(let witnesses) = world.check() {
            for _ in witnesses { world.frontier.witnessed(false, at: world.now) }
            _ = world.check()
        }
        let outage = try #require(world.frontier.network.outage)
        #expect(outage.isWhole)
        world.sleep(1.1)
        #expect(world.check() == .probe)
        return world
    }

    @Test("of all hosts start again as soon as one of them answers after an outage, of which two are asked at a time")
    func recovery() throws {
        var world = try outage()
        let probes = world.start()
        #expect(probes.count == 2)
        #expect(world.start().isEmpty)
        world.answer([probes[0]])
        #expect(world.frontier.network.outage == nil)
        #expect(world.start().count >= 8, "what the others did in the outage says nothing about them")
        #expect((0..<9).allSatisfy { !world.frontier.excuses("dead\($0)") })
    }

    @Test("wait as long as their host asked for, whatever outage begins, is probed and ends meanwhile")
    func retryAfterInOutage() throws {
        var busy: [Int] = []
        var world = try outage { world in
            busy = world.add(4, to: "busy")
            _ = world.start()
            world.answer(Array(busy[1...]))
            world.fail([busy[0]], .overload, retryAfter: .seconds(30))
            busy = world.add(4, to: "busy")
        }
        let probes = world.start()
        #expect(!probes.isEmpty && Set(probes).isDisjoint(with: busy))
        world.answer(probes)
        #expect(world.frontier.network.outage == nil)
        #expect(Set(world.start()).isDisjoint(with: busy))
        world.sleep(30)
        #expect(world.start().contains(busy[0]))
    }

    @Test("start in an outage though names must be looked up first, and these are many")
    func namesInOutage() throws {
        var world = FrontierWorld(Self.watched)
        for host in 0..<40 { world.add(20, to: "h\(host)", named: true) }
        func lookUp() {
            while let origin = world.frontier.nextLookup(at: world.now) {
                _ = world.frontier.named(origin, .found(until: world.now + .seconds(2)), at: world.now)
            }
        }
        lookUp()
        _ = world.failAll()
        world.sleep(3.1)
        guard case .begin = world.check() else { return #expect(Bool(false), "no outage") }
        world.sleep(1.1)
        #expect(world.check() == .probe)
        lookUp()
        #expect(!world.start().isEmpty)
    }

    /// A world in which the one host that matters does not answer.
    private func outageOfOne() throws -> FrontierWorld {
        var world = FrontierWorld(Self.watched)
        world.add(100, to: "other")
        world.add(100, to: "coco")
        world.answer(world.start())
        while case let started = world.start(), !started.isEmpty {
            world.answer(started.filter { $0 <= 100 })
            world.fail(started.filter { $0 > 100 })
        }
        world.sleep(2)
        _ = world.failAll()
        world.sleep(3.1)
        #expect(world.check() == .begin(Outage(text: "coco does not answer: no", origin: "coco")))
        return world
    }

    @Test("of the one host that matters are waited for until it answers; others go on, and are judged as ever")
    func oneHost() throws {
        var world = try outageOfOne()
        let others = world.add(3, to: "other")
        let bad = world.add(30, to: "bad")
        let started = world.start()
        #expect(Set(started).isSuperset(of: others) && !Set(started).isDisjoint(with: bad))
        world.answer(others)
        world.fail(started.filter { bad.contains($0) }, .partial)
        world.fail(started.filter { !bad.contains($0) && !others.contains($0) })
        #expect(world.frontier.network.outage?.origin == "coco")
        #expect(world.frontier.excuses("coco") && !world.frontier.excuses("other") && !world.frontier.excuses("bad"))
        _ = world.answerAll()
        world.sleep(1)
        #expect(world.check() == .probe)
        let probe = world.start()
        #expect(probe.count == 1)
        world.answer(probe)
        #expect(world.frontier.network.outage == nil)
        #expect(world.answerAll() > 50)
    }

    @Test("of the one host that matters end its outage when they are cancelled")
    func oneHostCancelled() throws {
        var world = try outageOfOne()
        for ticket in world.frontier.waiting(for: "coco") { world.frontier.remove(ticket) }
        world.sleep(1.1)
        #expect(world.check() == .probe)
        #expect(world.frontier.network.outage == nil)
    }
}
