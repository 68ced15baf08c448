import Coordination
import RandomNumbers
import Samples
import Testing

@Suite struct LeaseTableTests {
    private let build = BuildID.random()

    private func unit(_ index: Int) -> WorkUnit {
        WorkUnit(source: "a", index: index, firstRow: 0, rowCount: 1, start: InputPosition(file: 0, offset: 0))
    }

    private func lease(_ index: Int, _ worker: String, _ generation: Int = 1) -> Lease {
        Lease(
            unit: UnitID(build: build, source: "a", index: index), worker: worker, incarnation: "1",
            generation: generation)
    }

    @Test("a lease outlives the longest silence that the settings allow")
    func silence() {
        #expect(LeasePolicy(silence: .seconds(10)).duration == .seconds(120))
        #expect(LeasePolicy(silence: .seconds(200)).duration == .seconds(260))
    }

    @Test("a lease expires unless it is renewed or being published")
    func expiry() {
        var table = LeaseTable()
        let leases = (0..<3).map { lease($0, "w\($0)") }
        for (index, lease) in leases.enumerated() { table.add(lease, on: unit(index), for: "1", until: .seconds(3)) }
        let isRenewed = table.renew(leases[1], until: .seconds(5))
        #expect(isRenewed)
        table.setPublishing(leases[2], someResult())
        #expect(table.expired(now: .seconds(2)).isEmpty)
        #expect(table.expired(now: .seconds(3)) == [leases[0]])
        #expect(table.expired(now: .seconds(5)) == Array(leases[..<2]))
    }

    @Test("whatever happens: one holder a unit, the newest; only it renews")
    func invariants() throws {
        for seed in 0..<300 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var table = LeaseTable()
            var newest: [UnitID: Lease] = [:]  // what a model of the table holds
            var issued: [Lease] = []
            for second in 0..<100 {
                let (now, expiry) = (Duration.seconds(second), Duration.seconds(second + 3))
                let place = "seed \(seed), second \(second)"
                for lease in table.expired(now: now) {
                    try #require(newest[lease.unit] == lease, "\(place)")
                    table.remove(lease)
                    newest[lease.unit] = nil
                }
                let (index, worker) = (
                    Int.random(in: 0..<8, using: &random), "w\(Int.random(in: 0..<3, using: &random))"
                )
                let generation = issued.count(where: { $0.unit.index == index }) + 1
                let next = lease(index, worker, generation)
                if Bool.random(using: &random), newest[next.unit] == nil {
                    table.add(next, on: unit(index), for: "\(second)", until: expiry)
                    try #require(table.holding(of: next)?.request == "\(second)", "\(place)")
                    issued.append(next)
                    newest[next.unit] = next
                } else if let lease = issued.randomElement(using: &random) {
                    let isRenewed = table.renew(lease, until: expiry)
                    try #require(isRenewed == (newest[lease.unit] == lease), "\(place)")
                    if table.isCurrent(lease), Bool.random(using: &random) {
                        table.remove(lease)
                        newest[lease.unit] = nil
                    }
                }
                let held = newest.values.sorted { $0.unit.index < $1.unit.index }
                try #require(table.held.map(\.lease) == held, "\(place)")
                for name in ["w0", "w1", "w2"] {
                    try #require(table.held(by: name).map(\.lease) == held.filter { $0.worker == name }, "\(place)")
                }
            }
        }
    }
}
