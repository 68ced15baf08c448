import Coordination
import Foundation
import Samples
import Testing

/// What every job store promises of builds, plans and what is published, tried on each of them.
@Suite struct PlanConformance {
    @Test("keeps the build and the plan as they were given", arguments: StoreKind.allCases)
    func plan(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            #expect(try store.build() == nil && !store.isPlanned())
            try store.plan(units: [4, 0, 7])
            #expect(try store.build() == someBuild())
            #expect(try store.isPlanned())
            #expect(try store.openUnitCount() == 11)
            let status = try store.status()
            #expect(status.phase == .running && status.build == store.id)
            #expect(status.sources.map(\.name) == ["a", "b", "c"])
            #expect(status.sources.map(\.units) == [4, 0, 7])
            #expect(status.total.rows == 110)
            var seen: [WorkUnit] = []
            while let grant = try store.acquire(UUID().uuidString).first { seen.append(grant.unit) }
            let places = (0..<4).map { UnitID(build: store.id, source: "a", index: $0) }
            #expect(seen.map(store.id(of:)) == places + (0..<7).map { UnitID(build: store.id, source: "c", index: $0) })
            #expect(
                seen[5]
                    == WorkUnit(
                        source: "c", index: 1, firstRow: 10, rowCount: 10, start: InputPosition(file: 0, offset: 100)))
        }
    }

    @Test("forgets an unfinished plan, and guards a whole one", arguments: StoreKind.allCases)
    func unfinishedPlan(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            let unit = WorkUnit(
                source: "old", index: 0, firstRow: 0, rowCount: 5, start: InputPosition(file: 0, offset: 0))
            let ticket = try store.beginPlan(of: someBuild(["seed": "1"]), sources: ["old"])
            try store.addToPlan([unit], ticket)
            #expect(try store.status().phase == .planning)
            try store.plan(units: [2])
            #expect(try store.build() == someBuild())
            #expect(try store.status().sources.map(\.name) == ["a"])
            #expect(try store.openUnitCount() == 2)
            #expect(throws: CoordinationError.self) { try store.beginPlan(of: someBuild(), sources: []) }
            #expect(throws: CoordinationError.self) { try store.addToPlan([unit], ticket) }
            #expect(try store.openUnitCount() == 2)
        }
    }

    @Test("of two that plan the same build the later one goes on alone", arguments: StoreKind.allCases)
    func twoPlanners(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            let units = (0..<3).map {
                WorkUnit(source: "a", index: $0, firstRow: $0, rowCount: 1, start: InputPosition(file: 0, offset: 0))
            }
            let first = try store.beginPlan(of: someBuild(["seed": "1"]), sources: ["a"])
            try store.addToPlan([units[0]], first)
            let second = try store.beginPlan(of: someBuild(), sources: ["a"])
            let error = #expect(throws: CoordinationError.self) { try store.addToPlan([units[1]], first) }
            #expect(error?.code == .locked)
            #expect(throws: CoordinationError.self) { try store.finishPlan(first) }
            try store.addToPlan(Array(units[..<2]), second)
            #expect(throws: CoordinationError.self) { try store.addToPlan([units[0]], second) }
            try store.addToPlan([units[2]], second)
            try store.finishPlan(second)
            #expect(throws: CoordinationError.self) { try store.finishPlan(second) }
            #expect(try store.build() == someBuild() && store.status().total.units == 3)
        }
    }

    @Test("counts what was published, by source and by reason", arguments: StoreKind.allCases)
    func publishing(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2, 1])
            let results = [
                someResult(1), someResult(2, rejections: ["http_error": 1, "too_small": 9]),
                someResult(3, rejections: [:]),
            ]
            for result in results { try store.publish(try store.lease(), result) }
            let status = try store.status()
            #expect(status.phase == .finished)
            #expect(status.sources[0].rejections == ["http_error": 4, "too_small": 9])
            #expect(status.sources[0].samples == 7 && status.sources[1].samples == 10)
            #expect(status.total.publishedRows == 30 && status.total.byteCount == 3000)
            #expect(try store.published(unit: store.unit(1))?.result == results[1])
            #expect(try store.published(unit: store.unit(1))?.unit.shardName == "a-000001")
            #expect(try store.published(unit: UnitID(build: .random(), source: "a", index: 1)) == nil)
            #expect(try store.published(after: nil, limit: 2).map(\.result) == Array(results[..<2]))
            #expect(try store.published(after: store.unit(1), limit: 2).map(\.unit.source) == ["b"])
            #expect(try store.published(after: store.unit(0), limit: 9).map(\.result) == Array(results[1...]))
        }
    }

    @Test(
        "holds drafts apart until they are final, and counts anew what is published then", arguments: StoreKind.allCases
    )
    func drafts(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2])
            let draft = someResult(1, rejections: ["http_error": 1, "timeout": 2])
            for _ in 0..<2 { try store.publish(try store.lease(), draft, asDraft: true) }
            var status = try store.status()
            #expect(status.phase == .deduplicating && status.total.draftUnits == 2)
            #expect(try store.published(after: nil, limit: 9).map(\.isDraft) == [true, true])
            #expect(try store.openUnitCount() == 0)
            let final = someResult(2, rejections: ["duplicate": 4, "timeout": 2])
            try store.recordFinal(unit: store.unit(1), final)
            #expect(try store.published(unit: store.unit(1))?.result == final)
            status = try store.status()
            #expect(status.phase == .deduplicating && status.total.draftUnits == 1)
            #expect(status.total.rejections == ["http_error": 1, "timeout": 4, "duplicate": 4])
            #expect(status.total.samples == draft.samples + final.samples)
            #expect(throws: CoordinationError.self) { try store.recordFinal(unit: store.unit(1), final) }
            try store.recordFinal(unit: store.unit(0), final)
            #expect(try store.status().phase == .finished)
            #expect(try store.status().total.rejections == ["timeout": 4, "duplicate": 8])
        }
    }

    @Test("names units that failed for good, and tries them again when asked", arguments: StoreKind.allCases)
    func failing(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2])
            try store.fail(try store.lease(), "no space\0 left", limit: 1)
            try store.publish(try store.lease())
            #expect(try store.openUnitCount() == 0)
            #expect(try store.acquire().isEmpty)
            let status = try store.status()
            #expect(status.phase == .failed)
            #expect(status.failedUnits.map { $0.message.prefix(8) } == ["no space"])
            #expect(try store.failed(after: store.unit(0), limit: 10).isEmpty)
            #expect(try store.failed(after: nil, limit: 10).map(\.failures) == [1])
            try store.retryFailed()
            let again = try store.lease()
            #expect((again.unit.index, again.generation) == (0, 2))
            #expect(try store.status().total.failedUnits == 0)
            #expect(try store.fail(again)?.failures == 1, "another set of attempts")
        }
    }

    @Test("keeps the last word on workers", arguments: StoreKind.allCases)
    func sightings(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [1])
            var counts = WorkerCounts()
            counts.rejections = ["http_error": 2]
            let sighting = WorkerSighting(
                name: "w1", seen: Date(timeIntervalSince1970: 5), counts: counts, rowsPerSecond: 2.5)
            var gone = sighting
            gone.name = "w0"
            let (before, after) = try (RecordedSightings([gone]), RecordedSightings([sighting]))
            try store.decide { leases throws in
                try leases.recordSightings(before, progress: [:])
                try leases.recordSightings(
                    after, progress: ["a": SourceProgress(rowsInFlight: 4, rowsPerSecond: 2.5)])
            }
            #expect(try store.status().workers == [sighting] && store.statusWithoutWorkers().workers.isEmpty)
            #expect(try store.status().sources[0].rowsInFlight == 4)
            #expect(try store.status().sources[0].rowsPerSecond == 2.5)
            try store.decide { leases throws in try leases.releaseAll() }
            #expect(try store.status().sources[0].rowsInFlight == 0)
        }
    }

    @Test(
        "knows which files under shards/ are the build's own, whatever they are called", arguments: StoreKind.allCases)
    func ownership(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [4])
            #expect(try !store.owns(unit: store.unit(0)) && store.leftovers().isEmpty)
            let leases = try (0..<4).map { _ in try store.lease() }
            for lease in leases.dropLast() { try store.recordOwned(unit: lease.unit) }
            for index in 1...2 { try store.publish(leases[index], asDraft: index == 2) }
            _ = try store.decide { transaction throws in
                // It was begun when the name was not free, and the message came again.
                _ = try transaction.beginPublish(leases[3], someResult(), owning: false)
                return try transaction.beginPublish(leases[3], someResult(), owning: true)
            }
            // Unit 0 was put in place under an earlier lease, unit 2 is a draft that was about to be; the files of 3 are wanted.
            #expect(try store.leftovers().map(\.index) == [0, 2])
            try store.disownLeftovers()
            #expect(try store.leftovers().isEmpty)
            #expect(try (0..<4).map { try store.owns(unit: store.unit($0)) } == [false, true, false, true])
        }
    }

    @Test("takes a shard back that is not there any more, as if it had not been", arguments: StoreKind.allCases)
    func takingBack(kind: StoreKind) async throws {
        try await withStore(kind) { store, _ in
            try store.plan(units: [2])
            for draft in [false, true] { try store.publish(try store.lease(), asDraft: draft) }
            let before = try store.status()
            for unit in 0...1 {
                try store.takeBack(unit: store.unit(unit))
                #expect(throws: CoordinationError.self) { try store.takeBack(unit: store.unit(unit)) }
            }
            #expect(try store.published(after: nil, limit: 9).isEmpty)
            #expect(try store.status().phase == .running && store.status().total.publishedRows == 0)
            #expect(try store.status().total.rejections.isEmpty)
            #expect(try store.leftovers().map(\.index) == [0], "what is left of it is the build's own")
            for draft in [false, true] { try store.publish(try store.lease(), asDraft: draft) }
            #expect(try store.status() == before)
        }
    }
}
