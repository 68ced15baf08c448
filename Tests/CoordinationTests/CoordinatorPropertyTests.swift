import Coordination
import Foundation
import RandomNumbers
import Samples
import Testing

@Suite struct CoordinatorPropertyTests {
    /// What the outside world has seen: grants and accepted results.
    private struct Witness {
        var issued: [Lease] = []
        var results: [Lease: UnitResult] = [:]
        var accepted: [Int: (lease: Lease, result: UnitResult)] = [:]
        var requests: [(worker: String, name: String)] = []
    }

    @Test("whatever happens: nothing accepted is lost, nothing is published twice, and the build comes to an end")
    func anyHistory() async throws {
        for seed in 0..<60 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let store = InMemoryJobStore()
            try store.plan(units: [5, 3])
            var bench = try Bench(store)
            var witness = Witness()
            for step in 0..<150 {
                store.setFull(Int.random(in: 0..<10, using: &random) == 0)
                do {
                    try await act(&bench, &witness, &random, "seed \(seed), step \(step)")
                } catch let error as CoordinationError {
                    try #require(error.code == .store, "seed \(seed), step \(step)")
                }
                try check(store, witness, "seed \(seed), step \(step)")
            }
            bench.place.setFault(nil)
            store.setFull(false)
            try await finish(bench, &witness)
            let total = try store.status().total
            try #require(total.publishedUnits + total.failedUnits == 8, "seed \(seed)")
            try check(store, witness, "seed \(seed), end")
        }
    }

    private func act(
        _ bench: inout Bench, _ witness: inout Witness, _ random: inout SplitMix64, _ place: String
    ) async throws {
        let worker = "w\(Int.random(in: 0..<3, using: &random))"
        switch Int.random(in: 0..<20, using: &random) {
        case 0: bench = try Bench(bench.store)  // the coordinator was killed, another took over
        case 1: bench.clock.advance(by: .seconds(Int.random(in: 1...400, using: &random)))
        case 2: _ = try await bench.coordinator.workerEnded(worker, message: Bool.random(using: &random) ? "x" : nil)
        case 3: bench.place.setFault(Bool.random(using: &random) ? CoordinationError(.publish, "", "") : nil)
        case 4..<11:
            let isRepeated = Bool.random(using: &random)
            let request = isRepeated ? witness.requests.randomElement(using: &random) : nil
            let (name, holder) = (request?.name ?? place, request?.worker ?? worker)
            witness.requests.append((holder, name))
            if let grant = try await bench.coordinator.acquire(worker: holder, request: name).grant {
                witness.issued.append(grant.lease)
            }
        default:
            guard let lease = witness.issued.randomElement(using: &random) else { return }
            try await send(lease, bench.coordinator, &witness, &random, place)
        }
    }

    /// Sends a message under any lease that was ever granted, as often as chance has it.
    private func send(
        _ lease: Lease, _ coordinator: Coordinator, _ witness: inout Witness, _ random: inout SplitMix64,
        _ place: String
    ) async throws {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: _ = try await coordinator.fail(lease, message: "failed")
        case 1: _ = try await coordinator.release(lease)
        case 2: _ = await coordinator.renew(lease)
        default:
            let result = witness.results[lease] ?? someResult(UInt8.random(in: 0...255, using: &random))
            witness.results[lease] = result
            guard try await publish(lease, result, coordinator) == .accepted else { return }
            let newest = witness.issued.filter { $0.unit == lease.unit }.map(\.generation).max()
            try #require(lease.generation == newest, "\(place): an old lease published")
            try #require(witness.accepted[lease.unit].map { $0.lease == lease } ?? true, "\(place): published twice")
            witness.accepted[lease.unit] = (lease, result)
        }
    }

    /// What became of a publish; nil when the files could not be put in place.
    private func publish(
        _ lease: Lease, _ result: UnitResult, _ coordinator: Coordinator
    ) async throws(CoordinationError) -> LeaseStanding? {
        do {
            return try await coordinator.publish(lease, result)
        } catch {
            guard error.code == .publish else { throw error }
            return nil
        }
    }

    private func check(_ store: some JobStore, _ witness: Witness, _ place: String) throws {
        let published = try store.published(after: -1, limit: 100)
        try #require(published.map(\.unit.id) == witness.accepted.keys.sorted(), "\(place)")
        for unit in published {
            try #require(unit.result == witness.accepted[unit.unit.id]?.result, "\(place)")
        }
        for failed in try store.failed(after: -1, limit: 100) {
            try #require(failed.failures == 3 && witness.accepted[failed.unit.id] == nil, "\(place)")
        }
        try #require(try store.status().total.units == 8, "\(place)")
    }

    private func finish(_ bench: Bench, _ witness: inout Witness) async throws {
        bench.clock.advance(by: .seconds(1000))
        var answer = try await bench.coordinator.acquire(worker: "last", request: UUID().uuidString)
        while case .granted(let grant) = answer {
            try #require(try await bench.coordinator.publish(grant.lease, someResult()) == .accepted)
            witness.accepted[grant.unit.id] = (grant.lease, someResult())
            answer = try await bench.coordinator.acquire(worker: "last", request: UUID().uuidString)
        }
        try #require(answer == .done)
    }
}
