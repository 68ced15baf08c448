import Coordination
import Foundation
import Samples
import Testing

/// What every job store promises, tried on each of them.
@Suite struct JobStoreConformance {
    /// The stores there are.
    enum Kind: String, CaseIterable, Sendable { case memory, sqlite }

    private func withStore(_ kind: Kind, _ body: (any JobStore) async throws -> Void) async throws {
        switch kind {
        case .memory: try await body(InMemoryJobStore())
        case .sqlite:
            try await withTemporaryFolder { try await body(SQLiteJobStore(path: "\($0)/.state/build.sqlite")) }
        }
    }

    @Test("keeps the build and the plan as they were given", arguments: Kind.allCases)
    func plan(kind: Kind) async throws {
        try await withStore(kind) { store in
            #expect(try store.build() == nil && !store.isPlanned())
            try store.plan(units: [4, 0, 7])
            #expect(try store.build() == someBuild())
            #expect(try store.isPlanned())
            #expect(try store.openUnitCount() == 11)
            let status = try store.status()
            #expect(status.phase == .running)
            #expect(status.sources.map(\.name) == ["a", "b", "c"])
            #expect(status.sources.map(\.units) == [4, 0, 7])
            #expect(status.total.rows == 110)
            var seen: [WorkUnit] = []
            while let next = try store.nextUnit(fresh: false) {
                seen.append(next.unit)
                try store.recordLease(Lease(unit: next.unit.id, worker: "w", generation: 1))
            }
            #expect(seen.map(\.id) == Array(0..<11))
            #expect(
                seen[5]
                    == WorkUnit(
                        id: 5, source: "c", index: 1, firstRow: 10, rowCount: 10,
                        start: InputPosition(file: 0, offset: 100)))
        }
    }

    @Test("forgets an unfinished plan, and guards a whole one", arguments: Kind.allCases)
    func unfinishedPlan(kind: Kind) async throws {
        try await withStore(kind) { store in
            let unit = WorkUnit(
                id: 0, source: "old", index: 0, firstRow: 0, rowCount: 5, start: InputPosition(file: 0, offset: 0))
            try store.beginPlan(of: someBuild(["seed": "1"]), sources: ["old"])
            try store.addToPlan([unit])
            #expect(try store.status().phase == .planning)
            try store.plan(units: [2])
            #expect(try store.status().sources.map(\.name) == ["a"])
            #expect(try store.openUnitCount() == 2)
            #expect(throws: CoordinationError.self) { try store.beginPlan(of: someBuild(), sources: []) }
            #expect(throws: CoordinationError.self) { try store.addToPlan([unit]) }
            #expect(try store.openUnitCount() == 2)
        }
    }

    @Test("gives units that failed after all others", arguments: Kind.allCases)
    func order(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [3])
            let first = try store.lease()
            try store.recordFailure(first, message: "lost", isFinal: false)
            #expect(try store.failures(of: 0) == 1)
            #expect(try store.lease().unit == 1)
            #expect(try store.lease().unit == 2)
            #expect(try store.nextUnit(fresh: true) == nil)
            let again = try #require(try store.nextUnit(fresh: false))
            #expect((again.unit.id, again.generation, again.failures) == (0, 1, 1))
        }
    }

    @Test("refuses whatever does not come under the current lease, and changes nothing", arguments: Kind.allCases)
    func fencing(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [1])
            for generation in [0, 2, 5] {
                #expect(throws: CoordinationError.self) {
                    try store.recordLease(Lease(unit: 0, worker: "w", generation: generation))
                }
            }
            let lease = try store.lease()
            let strangers = [
                Lease(unit: 0, worker: "w", generation: 2), Lease(unit: 0, worker: "w", generation: 0),
                Lease(unit: 0, worker: "other", generation: 1), Lease(unit: 9, worker: "w", generation: 1),
            ]
            let before = try store.status()
            for stranger in strangers {
                #expect(throws: CoordinationError.self) { try store.recordLease(stranger) }
                #expect(throws: CoordinationError.self) { try store.recordRelease(stranger) }
                #expect(throws: CoordinationError.self) {
                    try store.recordPublished(stranger, someResult(), asDraft: false)
                }
                #expect(throws: CoordinationError.self) {
                    try store.recordFailure(stranger, message: "", isFinal: true)
                }
            }
            #expect(try store.status() == before)
            try store.recordPublished(lease, someResult(), asDraft: false)
            #expect(throws: CoordinationError.self) { try store.recordPublished(lease, someResult(), asDraft: false) }
            #expect(throws: CoordinationError.self) { try store.recordRelease(lease) }
            #expect(try store.status().total.publishedUnits == 1)
        }
    }

    @Test("counts what was published, by source and by reason", arguments: Kind.allCases)
    func publishing(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [2, 1])
            let results = [
                someResult(1), someResult(2, rejections: ["http_error": 1, "too_small": 9]),
                someResult(3, rejections: [:]),
            ]
            for result in results { try store.recordPublished(try store.lease(), result, asDraft: false) }
            let status = try store.status()
            #expect(status.phase == .finished)
            #expect(status.sources[0].rejections == ["http_error": 4, "too_small": 9])
            #expect(status.sources[0].samples == 7 && status.sources[1].samples == 10)
            #expect(status.total.publishedRows == 30 && status.total.byteCount == 3000)
            #expect(try store.published(unit: 1)?.result == results[1])
            #expect(try store.published(unit: 1)?.unit.shardName == "a-000001")
            #expect(try store.published(after: -1, limit: 2).map(\.result) == Array(results[..<2]))
            #expect(try store.published(after: 1, limit: 2).map(\.unit.source) == ["b"])
        }
    }

    @Test("holds drafts apart until they are final, and counts anew what is published then", arguments: Kind.allCases)
    func drafts(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [2])
            let draft = someResult(1, rejections: ["http_error": 1, "timeout": 2])
            for _ in 0..<2 { try store.recordPublished(try store.lease(), draft, asDraft: true) }
            var status = try store.status()
            #expect(status.phase == .deduplicating && status.total.draftUnits == 2)
            #expect(try store.published(after: -1, limit: 9).map(\.isDraft) == [true, true])
            #expect(try store.openUnitCount() == 0)
            let final = someResult(2, rejections: ["duplicate": 4, "timeout": 2])
            try store.recordFinal(unit: 1, final)
            #expect(try store.published(unit: 1)?.result == final)
            status = try store.status()
            #expect(status.phase == .deduplicating && status.total.draftUnits == 1)
            #expect(status.total.rejections == ["http_error": 1, "timeout": 4, "duplicate": 4])
            #expect(status.total.samples == draft.samples + final.samples)
            #expect(throws: CoordinationError.self) { try store.recordFinal(unit: 1, final) }
            try store.recordFinal(unit: 0, final)
            #expect(try store.status().phase == .finished)
            #expect(try store.status().total.rejections == ["timeout": 4, "duplicate": 8])
        }
    }

    @Test("names units that failed for good, and tries them again when asked", arguments: Kind.allCases)
    func failing(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [2])
            try store.recordFailure(try store.lease(), message: "no space left", isFinal: true)
            try store.recordPublished(try store.lease(), someResult(), asDraft: false)
            #expect(try store.openUnitCount() == 0)
            #expect(try store.nextUnit(fresh: false) == nil)
            let status = try store.status()
            #expect(status.phase == .failed)
            #expect(status.failedUnits.map(\.message) == ["no space left"])
            #expect(try store.failed(after: 0, limit: 10).isEmpty)
            try store.retryFailed()
            let again = try #require(try store.nextUnit(fresh: true))
            #expect((again.unit.id, again.generation) == (0, 1))
            #expect(try store.status().total.failedUnits == 0)
        }
    }

    @Test("gives back what was leased, without counting a failure", arguments: Kind.allCases)
    func releasing(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [3])
            let leases = [try store.lease(), try store.lease()]
            try store.recordRelease(leases[0])
            #expect(try store.status().total.leasedUnits == 1)
            try store.releaseAll()
            #expect(try store.status().total.leasedUnits == 0)
            #expect(throws: CoordinationError.self) {
                try store.recordPublished(leases[1], someResult(), asDraft: false)
            }
            let next = try #require(try store.nextUnit(fresh: true))
            #expect((next.unit.id, next.generation) == (0, 1))
        }
    }

    @Test("keeps the last word on workers", arguments: Kind.allCases)
    func sightings(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [1])
            var counts = WorkerCounts()
            counts.rejections = ["http_error": 2]
            let sighting = WorkerSighting(
                name: "w1", seen: Date(timeIntervalSince1970: 5), counts: counts, rowsPerSecond: 2.5)
            var gone = sighting
            gone.name = "w0"
            try store.recordSightings([gone], progress: [:])
            try store.recordSightings(
                [sighting], progress: ["a": SourceProgress(rowsInFlight: 4, rowsPerSecond: 2.5)])
            #expect(try store.status().workers == [sighting])
            #expect(try store.status().sources[0].rowsInFlight == 4)
            #expect(try store.status().sources[0].rowsPerSecond == 2.5)
            try store.releaseAll()
            #expect(try store.status().sources[0].rowsInFlight == 0)
        }
    }

    @Test("knows which files under shards/ are the build's own, whatever they are called", arguments: Kind.allCases)
    func ownership(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [3])
            #expect(try !store.owns(unit: 0) && store.leftovers().isEmpty)
            for _ in 0..<3 {
                let lease = try store.lease()
                try store.recordOwned(unit: lease.unit)
                if lease.unit > 0 { try store.recordPublished(lease, someResult(), asDraft: lease.unit == 2) }
            }
            // Unit 0 was killed while it was published, unit 2 is a draft that was about to be.
            #expect(try store.leftovers().map(\.id) == [0, 2])
            try store.disownLeftovers()
            #expect(try store.leftovers().isEmpty)
            #expect(try [0, 1, 2].map { try store.owns(unit: $0) } == [false, true, false])
        }
    }

    @Test("takes a shard back that is not there any more, as if it had not been", arguments: Kind.allCases)
    func takingBack(kind: Kind) async throws {
        try await withStore(kind) { store in
            try store.plan(units: [2])
            for draft in [false, true] { try store.recordPublished(try store.lease(), someResult(), asDraft: draft) }
            let before = try store.status()
            for unit in 0...1 {
                try store.takeBack(unit: unit)
                #expect(throws: CoordinationError.self) { try store.takeBack(unit: unit) }
            }
            #expect(try store.published(after: -1, limit: 9).isEmpty)
            #expect(try store.status().phase == .running && store.status().total.publishedRows == 0)
            #expect(try store.status().total.rejections.isEmpty)
            #expect(try store.leftovers().map(\.id) == [0], "what is left of it is the build's own")
            for draft in [false, true] { try store.recordPublished(try store.lease(), someResult(), asDraft: draft) }
            #expect(try store.status() == before)
        }
    }
}
