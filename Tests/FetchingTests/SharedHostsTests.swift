import Samples
import Testing

@testable import Fetching

@Suite("Shares of a coordinator") struct SharedHostsTests {
    private let start = ContinuousClock.now

    @Test("bound the transfers with a host; without one, and when it is old, one at once is allowed")
    func claims() {
        let hosts = SharedHosts(connections: 8, rate: 0)
        #expect(hosts.uses(at: start).isEmpty)
        #expect(hosts.claim("h", at: start) == nil)
        #expect(hosts.uses(at: start).isEmpty, "one transfer is nobody's business")
        #expect(hosts.claim("h", at: start) != nil && hosts.isWaiting)
        let uses = hosts.uses(at: start)
        #expect(uses == [HostUse(host: "h", running: 1, wanted: 8)])
        _ = hosts.apply([HostShare(host: "h", connections: 3, rate: 0)], to: uses, asked: start)
        #expect(!hosts.isWaiting)
        #expect((0..<3).map { _ in hosts.claim("h", at: start) == nil } == [true, true, false])
        #expect(hosts.claim("h", at: start + .seconds(11)) != nil, "three run, and one is allowed")
        for _ in 0..<3 { hosts.release("h") }
        #expect(hosts.claim("h", at: start + .seconds(11)) == nil)
        #expect(hosts.claim("h", at: start + .seconds(11)) != nil)
    }

    @Test("bound the rate, and are given back when the host is not used any more")
    func rate() {
        let hosts = SharedHosts(connections: 8, rate: 10)
        #expect(hosts.claim("h", at: start) == nil)
        #expect(hosts.claim("h", at: start) != nil)
        _ = hosts.apply([HostShare(host: "h", connections: 4, rate: 2)], to: hosts.uses(at: start), asked: start)
        #expect(hosts.claim("h", at: start + .milliseconds(100)) == nil)
        #expect(hosts.claim("h", at: start + .milliseconds(500)) == .milliseconds(100))
        for _ in 0..<2 { hosts.release("h") }
        // Told once with what it was, once with nothing, and then not any more.
        for wanted in [8, 0] {
            let uses = hosts.uses(at: start)
            #expect(uses == [HostUse(host: "h", running: 0, wanted: wanted)])
            _ = hosts.apply([HostShare(host: "h", connections: 4, rate: 2)], to: uses, asked: start)
        }
        #expect(hosts.uses(at: start).isEmpty)
    }

    @Test("lose nothing that is learnt while the coordinator answers, or when its answer is lost")
    func lateNews() throws {
        let fault = HostFault(kind: .connection, rejection: Rejection(.downloadError, "connection refused"))
        let hosts = SharedHosts(connections: 8, rate: 0)
        hosts.learn("h", held: start + .seconds(5), rest: nil, at: start)
        #expect(hosts.uses(at: start).first?.news?.heldSeconds == 5)
        let uses = hosts.uses(at: start)
        #expect(uses.first?.news?.heldSeconds == 5, "the first answer was lost")
        hosts.learn("h", held: nil, rest: .init(fault: fault, until: start + .seconds(60)), at: start)
        _ = hosts.apply([], to: uses, asked: start)
        let later = hosts.uses(at: start)
        #expect(later.first?.news?.restSeconds == 60)
        _ = hosts.apply([], to: later, asked: start)
        #expect(hosts.uses(at: start).first?.news == nil)
    }

    @Test("carry what was learnt of hosts in trouble to others, who keep to it unless the host answers them")
    func news() throws {
        let fault = HostFault(kind: .connection, rejection: Rejection(.downloadError, "connection refused"))
        let hosts = SharedHosts(connections: 8, rate: 0)
        hosts.learn(
            "http://h:80", held: start + .seconds(5), rest: .init(fault: fault, until: start + .seconds(60)), at: start)
        let told = try #require(hosts.uses(at: start).first?.news)
        #expect(told.heldSeconds == 5 && told.restSeconds == 60 && told.finding?.message == "connection refused")

        var limits = Frontier.Limits(slots: 4, perHost: 4)
        limits.patience = .seconds(100)
        var frontier = Frontier(limits, at: start)
        _ = frontier.add(1, to: "http://h:80", at: start)
        _ = frontier.add(2, to: "http://well:80", at: start)
        #expect(frontier.next(at: start) == 1)
        _ = frontier.ended(1, .failed(fault), at: start)
        _ = frontier.add(3, to: "http://h:80", at: start)
        #expect(frontier.hear(told, of: "http://h:80", at: start) == [.gaveUp([3], fault)])
        #expect(frontier.add(4, to: "http://h:80", at: start + .seconds(1)) == .gaveUp([4], fault))
        #expect(frontier.next(at: start) == 2)
        _ = frontier.ended(2, .answered(connect: nil, firstByte: .zero), at: start)
        _ = frontier.add(5, to: "http://well:80", at: start)
        var rest = told
        rest.heldSeconds = nil
        #expect(frontier.hear(rest, of: "http://well:80", at: start).isEmpty, "it answers us")
        #expect(frontier.next(at: start) == 5)
        #expect(frontier.hear(told, of: "http://unknown:80", at: start).isEmpty)
    }
}
