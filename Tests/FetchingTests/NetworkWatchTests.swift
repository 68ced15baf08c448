import Samples
import Testing

@testable import Fetching

/// A watch whose changes may stand in an expectation.
private final class Watch {
    var value: NetworkWatch

    init(_ value: NetworkWatch) { self.value = value }

    func step(_ situation: NetworkWatch.Situation, at now: ContinuousClock.Instant) -> NetworkWatch.Step {
        value.step(situation, at: now)
    }
    func failed(_ origin: String, _ fault: HostFault, at now: ContinuousClock.Instant) {
        value.failed(origin, fault, at: now)
    }
    /// Whether an outage ends with it.
    func answered(_ origin: String, at now: ContinuousClock.Instant) -> Bool { value.answered(origin, at: now) != nil }
    func witnessed(_ isThere: Bool, at now: ContinuousClock.Instant) -> Bool {
        value.witnessed(isThere, at: now) != nil
    }
    func named(at now: ContinuousClock.Instant) -> Bool { value.named(at: now) != nil }
}

@Suite("a watch over the network")
struct NetworkWatchTests {
    private static let hour = Duration.seconds(3600)
    private let start = ContinuousClock.now
    private let refused = HostFault(
        kind: .connection, rejection: Rejection(.downloadError, "connection refused"))
    private let nameless = HostFault(kind: .name, rejection: Rejection(.downloadError, "name lookup failed"))

    private func watch(_ limit: Duration = hour) -> Watch { Watch(NetworkWatch(limit: limit, at: start)) }
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("takes it for an outage when nothing at all ever answered, and says why")
    func neverAnswered() {
        let watch = watch()
        for host in 0..<60 { watch.failed("http://h\(host)", nameless, at: at(0.1)) }
        #expect(watch.step(.init(), at: at(1)) == .none, "too early")
        let step = watch.step(.init(), at: at(3.1))
        let outage = Outage(
            text: "no answer from any of 60 hosts: name lookup failed", origin: nil, isOfNames: true)
        #expect(step == .begin(outage))
        #expect(!watch.value.isCertain(since: at(0)))
    }

    @Test("does not while others are under way, unless very many have failed")
    func othersUnderWay() {
        let watch = watch()
        watch.failed("http://a", refused, at: at(0.1))
        #expect(watch.step(.init(healthyCount: 1), at: at(5)) == .none)
        for host in 0..<10 { watch.failed("http://h\(host)", refused, at: at(5)) }
        guard case .begin = watch.step(.init(healthyCount: 50), at: at(6)) else {
            return #expect(Bool(false), "no outage")
        }
    }

    @Test("asks those that answered last, and takes their word")
    func witnesses() {
        let watch = watch()
        _ = watch.answered("http://good", at: at(1))
        watch.failed("http://dead", refused, at: at(2))
        #expect(watch.step(.init(), at: at(4.5)) == .ask(["http://good"]))
        #expect(watch.step(.init(), at: at(4.6)) == .none, "once")
        #expect(!watch.witnessed(true, at: at(5)))
        #expect(watch.value.isCertain(since: at(2)))
        #expect(watch.value.time(at: at(5)) == .seconds(5))
        watch.failed("http://dead", refused, at: at(6))
        #expect(watch.step(.init(), at: at(9)) == .none)
        #expect(watch.step(.init(), at: at(15.1)) == .ask(["http://good"]))
        #expect(!watch.witnessed(false, at: at(28)))
        #expect(
            watch.step(.init(), at: at(28))
                == .begin(Outage(text: "dead does not answer: connection refused", origin: nil)))
    }

    @Test("probes with growing pauses until something answers, and does not count the time")
    func probes() {
        let watch = watch()
        watch.failed("http://a", refused, at: at(0))
        _ = watch.step(.init(), at: at(3))
        var probes: [Double] = []
        for tenth in 30..<2000 where watch.step(.init(), at: at(Double(tenth) / 10)) == .probe {
            probes.append(Double(tenth) / 10)
        }
        #expect(probes.prefix(4) == [4, 6, 10, 18])
        #expect(zip(probes, probes.dropFirst()).allSatisfy { $1 - $0 <= 30.1 })
        #expect(watch.answered("http://a", at: at(500)))
        #expect(watch.value.time(at: at(500)) == .zero)
        #expect(watch.value.outage == nil)
    }

    @Test("gives an outage up once, when it lasts longer than it may")
    func givesUp() {
        let watch = watch(.seconds(10))
        watch.failed("http://a", refused, at: at(0))
        guard case .begin(let outage) = watch.step(.init(), at: at(3)) else { return #expect(Bool(false)) }
        #expect((watch.value.wakeTime ?? start) <= at(13))
        #expect(watch.step(.init(), at: at(13)) == .giveUp(outage))
        #expect(watch.step(.init(), at: at(13.1)) == .probe)
    }

    @Test("takes the one host on which everything depends for an outage, though others answer")
    func dominant() {
        let watch = watch()
        _ = watch.answered("http://other", at: at(0))
        _ = watch.answered("http://coco", at: at(1))
        watch.failed("http://coco", refused, at: at(2))
        let outage = Outage(text: "coco does not answer: connection refused", origin: "http://coco")
        #expect(watch.step(.init(dominant: "http://coco"), at: at(4.5)) == .begin(outage))
        #expect(!watch.answered("http://other", at: at(5)), "that says nothing about it")
        #expect(!watch.witnessed(true, at: at(6)))
        #expect(watch.value.outage == outage)
        #expect(watch.answered("http://coco", at: at(7)))
        #expect(watch.value.time(at: at(7)) == .seconds(1))
    }

    @Test("sees that servers for names are gone while hosts whose names are known go on")
    func namesAlone() {
        let watch = watch()
        for second in 0..<4 {
            _ = watch.answered("http://known", at: at(Double(second)))
            for host in 0..<3 { watch.failed("http://h\(second).\(host)", nameless, at: at(Double(second))) }
        }
        _ = watch.answered("http://known", at: at(4))
        #expect(watch.step(.init(healthyCount: 9), at: at(4)) == .ask(["http://known"]))
        _ = watch.witnessed(false, at: at(8))
        guard case .begin(let outage) = watch.step(.init(healthyCount: 9), at: at(8)) else {
            return #expect(Bool(false), "no outage")
        }
        #expect(outage.isOfNames)
        #expect(watch.named(at: at(20)))
        #expect(watch.value.outage == nil)
    }

    @Test("takes every fault for the host's where it is off")
    func off() {
        let watch = watch(.zero)
        for host in 0..<60 { watch.failed("http://h\(host)", refused, at: at(0.1)) }
        #expect(watch.step(.init(), at: at(100)) == .none)
        #expect(watch.value.isCertain(since: at(99)) && watch.value.time(at: at(7)) == .seconds(7))
    }
}
