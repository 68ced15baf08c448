import Coordination
import RandomNumbers
import Samples
import Testing

@Suite struct LeaseTableTests {
    private func unit(_ id: Int) -> WorkUnit {
        WorkUnit(id: id, source: "a", index: id, firstRow: 0, rowCount: 1, start: InputPosition(file: 0, offset: 0))
    }

    private var policy: LeasePolicy {
        var policy = LeasePolicy()
        policy.duration = .seconds(3)
        policy.unitsPerWorker = 2
        return policy
    }

    @Test("a worker holds a bounded number of units, and takes one that failed before only when it holds none")
    func admission() {
        var table = LeaseTable(policy: policy)
        #expect(table.admission(of: "w") == .anyUnit)
        let lease = Lease(unit: 0, worker: "w", generation: 1)
        _ = table.add(lease, on: unit(0), for: "1", now: .zero)
        #expect(table.admission(of: "w") == .freshUnit)
        _ = table.add(Lease(unit: 1, worker: "w", generation: 1), on: unit(1), for: "2", now: .zero)
        #expect(table.admission(of: "w") == .noUnit)
        #expect(table.admission(of: "other") == .anyUnit)
    }

    @Test("a lease outlives the longest silence that the settings allow")
    func silence() {
        #expect(LeasePolicy(silence: .seconds(10)).duration == .seconds(120))
        #expect(LeasePolicy(silence: .seconds(200)).duration == .seconds(260))
    }

    @Test("a lease expires unless it is renewed or being published")
    func expiry() {
        var table = LeaseTable(policy: policy)
        let leases = (0..<3).map { Lease(unit: $0, worker: "w\($0)", generation: 1) }
        for lease in leases { _ = table.add(lease, on: unit(lease.unit), for: "1", now: .zero) }
        let isRenewed = table.renew(leases[1], now: .seconds(2))
        #expect(isRenewed)
        table.setPublishing(leases[2], true)
        #expect(table.expired(now: .seconds(2)).isEmpty)
        #expect(table.expired(now: .seconds(3)) == [leases[0]])
        #expect(table.revocable(from: "w2").isEmpty)
        table.setPublishing(leases[2], false)
        #expect(table.expired(now: .seconds(5)) == leases)
    }

    @Test("whatever happens: one holder a unit, the newest; only it renews; a request finds its own grant")
    func invariants() throws {
        for seed in 0..<300 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var table = LeaseTable(policy: policy)
            var newest: [Int: Lease] = [:]  // what a model of the table holds
            var issued: [Lease] = []
            for second in 0..<100 {
                let now = Duration.seconds(second)
                let place = "seed \(seed), second \(second)"
                for lease in table.expired(now: now) {
                    try #require(newest[lease.unit] == lease, "\(place)")
                    table.remove(lease)
                    newest[lease.unit] = nil
                }
                let (id, worker) = (Int.random(in: 0..<8, using: &random), "w\(Int.random(in: 0..<3, using: &random))")
                if Bool.random(using: &random), newest[id] == nil, table.admission(of: worker) != .noUnit {
                    let generation = issued.count(where: { $0.unit == id }) + 1
                    let lease = Lease(unit: id, worker: worker, generation: generation)
                    let grant = table.add(lease, on: unit(id), for: "\(second)", now: now)
                    try #require(table.grant(to: worker, for: "\(second)") == grant, "\(place)")
                    issued.append(lease)
                    newest[id] = lease
                } else if let lease = issued.randomElement(using: &random) {
                    let isRenewed = table.renew(lease, now: now)
                    try #require(isRenewed == (newest[lease.unit] == lease), "\(place)")
                    if table.isCurrent(lease), Bool.random(using: &random) {
                        table.remove(lease)
                        newest[lease.unit] = nil
                    }
                }
                try #require(table.held.map(\.lease) == newest.values.sorted { $0.unit < $1.unit }, "\(place)")
                for name in ["w0", "w1", "w2"] {
                    try #require(newest.values.count(where: { $0.worker == name }) <= 2, "\(place)")
                }
            }
        }
    }
}
