import Coordination
import RandomNumbers
import Samples
import Testing

@Suite("The shares of a host") struct HostSharesTests {
    private func use(_ running: Int, _ wanted: Int, _ news: HostNews? = nil) -> [HostUse] {
        [HostUse(host: "h", running: running, wanted: wanted, news: news)]
    }

    @Test("are the whole for one worker, and halves for two, once the first has given its part back")
    func two() {
        var shares = HostShares(connections: 16, rate: 8)
        func report(_ worker: String, _ running: Int, _ second: Int) -> HostShare {
            shares.report(worker, use(running, 16), at: .seconds(second))[0]
        }
        #expect(report("a", 1, 0) == HostShare(host: "h", connections: 16, rate: 8))
        #expect(report("b", 1, 1).connections == 0, "all is with the first")
        #expect(report("a", 16, 1).connections == 8)
        #expect(report("b", 1, 2).connections == 0, "the first still has them")
        #expect(report("a", 8, 3) == HostShare(host: "h", connections: 8, rate: 4))
        #expect(report("b", 0, 4) == HostShare(host: "h", connections: 8, rate: 4))
        // A worker that is silent gives back what it had.
        #expect(report("b", 8, 20).connections == 16)
    }

    @Test("go to those who want them, and in turns where there are too many")
    func turns() {
        var shares = HostShares(connections: 4, rate: 0)
        #expect(shares.report("small", use(0, 1), at: .zero)[0].connections == 1)
        #expect(shares.report("large", use(0, 9), at: .zero)[0].connections == 3)
        var served: Set<String> = []
        var many = HostShares(connections: 2, rate: 0)
        for second in 0..<40 {
            for name in ["a", "b", "c", "d", "e"] {
                let share = many.report(name, use(0, 5), at: .seconds(second))[0]
                if share.connections > 0 { served.insert(name) }
            }
        }
        #expect(served == ["a", "b", "c", "d", "e"])
    }

    @Test("never exceed the limit together, whatever workers do, and however late they hear")
    func property() throws {
        for seed in 0..<300 {
            var random = SplitMix64(seed: UInt64(seed))
            let limit = Int.random(in: 1...20, using: &random)
            var shares = HostShares(connections: limit, rate: 0)
            // What each may use, and uses, by what it was told last.
            var granted: [String: Int] = [:]
            var running: [String: Int] = [:]
            for step in 0..<200 {
                let name = "w\(Int.random(in: 0..<30, using: &random))"
                let now = Duration.milliseconds(step * 20)
                // Transfers end at any time; none begins beyond the share.
                let most = max(running[name, default: 0], granted[name, default: 0])
                running[name] = Int.random(in: 0...most, using: &random)
                let share = shares.report(
                    name, use(running[name, default: 0], Int.random(in: 0...9, using: &random)), at: now)[0]
                granted[name] = share.connections
                let used = Set(granted.keys).union(running.keys).reduce(0) {
                    $0 + max(granted[$1, default: 0], running[$1, default: 0])
                }
                try #require(used <= limit, "seed \(seed), step \(step)")
            }
        }
    }

    @Test("bring what others have learnt, until its time has passed; and are bounded")
    func news() {
        var shares = HostShares(connections: 4, rate: 0)
        let finding = HostFinding(kind: "connection", reason: "download_error", message: "refused", status: nil)
        _ = shares.report("a", use(0, 1, HostNews(heldSeconds: 5, restSeconds: 60, finding: finding)), at: .zero)
        let early = shares.report("b", use(0, 1), at: .seconds(2))[0].news
        #expect(early == HostNews(heldSeconds: 3, restSeconds: 58, finding: finding))
        #expect(shares.report("b", use(0, 1), at: .seconds(10))[0].news?.heldSeconds == nil)
        #expect(shares.report("b", use(0, 1), at: .seconds(70))[0].news == nil)
        let many = (0..<1000).map { HostUse(host: "\($0)", running: 0, wanted: 1) }
        #expect(shares.report("c", many, at: .seconds(70)).count == HostShares.reportLimit)
        _ = shares.report("c", [], at: .seconds(100))
        #expect(shares.hostCount == 0)
    }
}
