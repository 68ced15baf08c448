import Coordination
import Foundation
import Logging
import RandomNumbers
import Samples
import Testing

/// Several coordinators over one store, with workers, files and a clock: every event is one step, drawn by chance.
///
/// Coordinators die between any two of their transactions, and in the middle of one; they are stopped while they put files in
/// place, and go on when others have done so. Stores lose answers, disks fail, messages come late and again.
struct CoordinatorWorld {
    private struct Process {
        let store: FaultyStore
        let coordinator: Coordinator
    }

    /// How a publication that was waited for came to its end.
    private struct Published: Sendable {
        let lease: Lease
        /// Nil where it failed.
        let standing: LeaseStanding?
    }

    private typealias Publications = ThrowingTaskGroup<Published, any Error>

    private let base: MemoryJobStore
    private let clock = ManualClock()
    private let files = ShardFiles()
    private let unitCount: Int
    private let name: String
    private var random: SplitMix64
    private var processes: [Process] = []
    private var stoppedCount = 0
    private var workers = [0, 0, 0]  // the numbers of their incarnations
    private var requests: [LeaseRequest] = []
    private var heard: Set<String> = []  // the processes of workers that were answered
    private var issued: [UnitID: [Lease]] = [:]
    private var results: [Lease: UnitResult] = [:]
    private var accepted: [UnitID: Lease] = [:]

    init(units: [Int], seed: UInt64) throws {
        base = MemoryJobStore(clock: clock)
        unitCount = units.reduce(0, +)
        (random, name) = (SplitMix64(seed: seed), "seed \(seed)")
        try base.plan(units: units)
    }

    /// Goes through `steps` events, then to the end of the build, with everything checked.
    mutating func run(steps: Int) async throws {
        try await withThrowingTaskGroup(of: Published.self) { group in
            defer { files.goOnAll() }  // what failed must come to an end
            for _ in 0..<2 { try await start() }
            for step in 0..<steps {
                let place = "\(name), step \(step)"
                try await act(&group, place)
                if step % 4 == 0 { try check(place) }
            }
            try await finish(&group)
        }
        try check("\(name), end")
        let total = try base.status().total
        try #require(total.publishedUnits + total.failedUnits == unitCount, "\(name)")
    }

    private mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    // MARK: Coordinators

    /// Starts one more, which takes over; it may die at that.
    private mutating func start() async throws {
        while true {
            let store = FaultyStore(base)
            let coordinator = try Coordinator(
                store: store, clock: clock, logger: silent,
                isFree: { [files] unit in files.published(unit) == nil },
                discardFiles: { [files] _, lease in try files.discard(lease, store) },
                publishFiles: { [files] publication, _ in
                    try await files.put(publication.lease, publication.result, store)
                })
            do {
                try await coordinator.takeOver(.kept)
            } catch {
                try #require(error.code == .store, "\(name): \(error)")
            }
            if !store.isDead { return processes.append(Process(store: store, coordinator: coordinator)) }
        }
    }

    /// Puts another in the place of each that has died.
    private mutating func replaceDead() async throws {
        let count = processes.count
        processes.removeAll(where: \.store.isDead)
        for _ in processes.count..<count { try await start() }
    }

    /// What the coordinator `index` answers; nil where it fails as it may.
    private mutating func ask<Value: Sendable>(
        _ index: Int, _ place: String, _ body: (Coordinator) async throws -> Value
    ) async throws -> Value? {
        do {
            return try await body(processes[index].coordinator)
        } catch let error as CoordinationError {
            try #require(error.code == .store, "\(place): \(error)")
            try await replaceDead()
            return nil
        }
    }

    // MARK: Events

    private mutating func act(_ group: inout Publications, _ place: String) async throws {
        let index = number(0..<processes.count)
        switch number(0..<50) {
        case 0:
            processes[index].store.setFault(.dead)
            try await replaceDead()
        case 1..<3: processes[index].store.die(after: number(0..<4), isCommitted: Bool.random(using: &random))
        case 3: if processes.count < 3 { try await start() }
        case 4..<7: clock.advance(by: .seconds(number(1..<200)))
        case 7: try await endWorker(index, place)
        case 8..<12: files.setFaults([nil, nil, nil, .full, .broken][number(0..<5)], isLocked: number(0..<5) == 0)
        case 12: processes[index].store.setFault([nil, nil, .full, .lostAnswers][number(0..<4)])
        case 13: files.killNext()
        case 14..<17: try await goOn(&group, place)
        case 17..<20:
            let isExpired = number(0..<3) == 0
            _ = try await ask(index, place) { try await $0.finishPublications(expired: isExpired) }
        case 20: try await heartbeat(index, place)
        case 21..<28: try await acquire(index, place)
        case 28: try await acquireAtOnce(index, place)
        default: try await send(to: index, &group, place)
        }
    }

    private mutating func endWorker(_ index: Int, _ place: String) async throws {
        let worker = number(0..<workers.count)
        switch number(0..<3) {
        case 0: workers[worker] += 1  // started again; the former process may come back
        case 1: _ = try await ask(index, place) { try await $0.workerEnded("w\(worker)", message: "killed") }
        default:
            let incarnation = "\(workers[worker])"
            _ = try await ask(index, place) {
                try await $0.workerEnded("w\(worker)", incarnation: incarnation, message: nil)
            }
        }
    }

    private mutating func request(_ name: String) -> LeaseRequest {
        let worker = number(0..<workers.count)
        let request = LeaseRequest(
            worker: "w\(worker)", incarnation: "\(workers[worker])", name: name, limit: number(1..<4))
        requests.append(request)
        return request
    }

    /// A worker asks for units, or repeats what it asked.
    private mutating func acquire(_ index: Int, _ place: String) async throws {
        var repeated = number(0..<3) == 0 ? requests.randomElement(using: &random) : nil
        // The first words of a process do not come after its successor's.
        if let former = repeated, !isCurrent(former), !heard.contains(former.worker + former.incarnation) {
            repeated = nil
        }
        let request = repeated ?? request(place)
        if let answer = try await ask(index, place, { try await Self.acquire(request, $0) }) {
            try note(answer, to: request, place)
        }
    }

    /// Workers ask at once, so that they share a commit.
    private mutating func acquireAtOnce(_ index: Int, _ place: String) async throws {
        let requests = (0..<3).map { request("\(place), \($0)") }
        let answers = try await ask(index, place) { coordinator in
            try await withThrowingTaskGroup(of: (LeaseRequest, LeaseAnswer).self) { group in
                for request in requests {
                    group.addTask { (request, try await Self.acquire(request, coordinator)) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        for (request, answer) in answers ?? [] { try note(answer, to: request, place) }
    }

    /// Whether the latest process of its worker makes `request`.
    private func isCurrent(_ request: LeaseRequest) -> Bool {
        workers.indices.contains { request.worker == "w\($0)" && request.incarnation == "\(workers[$0])" }
    }

    private static func acquire(_ request: LeaseRequest, _ coordinator: Coordinator) async throws -> LeaseAnswer {
        try await coordinator.acquire(
            worker: request.worker, incarnation: request.incarnation, request: request.name, limit: request.limit)
    }

    private mutating func note(_ answer: LeaseAnswer, to request: LeaseRequest, _ place: String) throws {
        heard.insert(request.worker + request.incarnation)
        switch answer {
        case .granted(let grants):
            for lease in grants.map(\.lease) {
                try #require(base.published(unit: lease.unit) == nil, "\(place): a published unit was leased")
                let known = issued[lease.unit, default: []]
                if known.contains(lease) { continue }
                // What was granted and not heard of is missing in between.
                try #require(lease.generation > known.last?.generation ?? 0, "\(place): \(lease)")
                issued[lease.unit] = known + [lease]
            }
        case .replaced:
            try #require(!isCurrent(request), "\(place): replaced by nobody")
        case .done: try #require(base.openUnitCount() == 0, "\(place): there is work")
        case .wait: break
        }
    }

    private mutating func heartbeat(_ index: Int, _ place: String) async throws {
        let worker = "w\(number(0..<workers.count))"
        let leases = issued.values.joined().filter { $0.worker == worker }.sorted { "\($0)" < "\($1)" }
        let report = WorkerReport(
            worker: worker, counts: WorkerCounts(), units: leases.map { .init(lease: $0, rows: 1) })
        guard let lost = try await ask(index, place, { try await $0.heartbeat(report) }) else { return }
        let expected = try base.decide { transaction in try transaction.lost(among: leases) }
        try #require(Set(lost) == Set(expected), "\(place)")
    }

    /// A message under any lease that was ever granted, to the coordinator `index`.
    private mutating func send(to index: Int, _ group: inout Publications, _ place: String) async throws {
        let units = issued.keys.sorted { $0.description < $1.description }
        guard let unit = units.randomElement(using: &random), let newest = issued[unit]?.last else { return }
        // Mostly what was granted last, which may be current.
        let lease = number(0..<3) == 0 ? issued[unit]?.randomElement(using: &random) ?? newest : newest
        switch number(0..<16) {
        case 0: _ = try await ask(index, place) { try await $0.fail(lease, message: "failed") }
        case 1: _ = try await ask(index, place) { try await $0.release(lease) }
        case 2: _ = try await ask(index, place) { try await $0.crashed(lease, CrashedRow(row: 3, signal: 11)) }
        case 3..<5:
            let standing = try await ask(index, place) { try await $0.renew(lease) }
            try #require(standing != .accepted || lease == newest, "\(place): an old lease was renewed")
        default: try await publish(lease, index, &group, place)
        }
    }

    private mutating func publish(
        _ lease: Lease, _ index: Int, _ group: inout Publications, _ place: String
    ) async throws {
        let result = make(lease)
        files.stop(at: number(0..<4) == 0 ? lease : nil)
        let coordinator = processes[index].coordinator
        group.addTask { [files] in
            defer { files.ended() }
            do {
                return Published(lease: lease, standing: try await coordinator.publish(lease, result))
            } catch let error as CoordinationError where [.store, .publish, .busy].contains(error.code) {
                return Published(lease: lease, standing: nil)
            }
        }
        try await awaitEvent(&group, place)
    }

    /// What a worker made under `lease`: its own for each lease, so that a file put over another is seen.
    private mutating func make(_ lease: Lease) -> UnitResult {
        if let result = results[lease] { return result }
        let result = someResult(UInt8(results.count % 256), rejections: ["timeout": 1 + lease.generation % 9])
        results[lease] = result
        files.make(lease, result)
        return result
    }

    /// One that was stopped while it published goes on.
    private mutating func goOn(_ group: inout Publications, _ place: String) async throws {
        guard stoppedCount > 0 else { return }
        stoppedCount -= 1
        files.goOn()
        try await awaitEvent(&group, place)
    }

    /// Waits until the publication that was begun, or went on, has ended or is stopped.
    private mutating func awaitEvent(_ group: inout Publications, _ place: String) async throws {
        let event = try await files.event()
        files.stop(at: nil)
        switch event {
        case .stopped: stoppedCount += 1
        case .ended:
            if let published = try await group.next(), published.standing == .accepted {
                try accept(published.lease, place)
            }
        }
        try await replaceDead()
    }

    private mutating func accept(_ lease: Lease, _ place: String) throws {
        try #require(lease == issued[lease.unit]?.last, "\(place): an old lease published")
        try #require(accepted[lease.unit] ?? lease == lease, "\(place): published twice")
        accepted[lease.unit] = lease
    }

    // MARK: What must hold

    private func check(_ place: String) throws {
        let published = base.published(after: nil, limit: 100)
        for unit in published {
            let id = base.id(of: unit.unit)
            let lease = issued[id]?.last
            try #require(unit.generation == lease?.generation, "\(place): \(id)")
            try #require(unit.result == lease.flatMap { results[$0] }, "\(place): \(id)")
            try #require(files.published(id) == unit.result, "\(place): \(id) has the files of another lease")
        }
        try #require(Set(published.map { base.id(of: $0.unit) }).isSuperset(of: accepted.keys), "\(place): lost")
        for failed in base.failed(after: nil, limit: 100) {
            let id = base.id(of: failed.unit)
            try #require(failed.failures == 3 && accepted[id] == nil, "\(place): \(id)")
        }
        let leases = Array(issued.values.joined())
        let lost = Set(try base.decide { transaction in try transaction.lost(among: leases) })
        for (unit, leases) in issued {
            let holders = leases.filter { !lost.contains($0) }
            try #require(holders.isEmpty || holders == [leases.last], "\(place): \(unit) is held by \(holders)")
        }
        try #require(try base.status().total.units == unitCount, "\(place)")
    }

    /// A last coordinator takes over; then nothing fails any more, and it finishes what is left.
    ///
    /// Those that are stopped go on when all is done.
    private mutating func finish(_ group: inout Publications) async throws {
        for process in processes where Bool.random(using: &random) { process.store.setFault(.dead) }
        processes = []
        try await start()
        files.calm()
        processes[0].store.setFault(nil)
        try check("\(name), taken over")
        try await finishAll(processes[0].coordinator)
        while stoppedCount > 0 { try await goOn(&group, "\(name), end") }
    }

    private mutating func finishAll(_ coordinator: Coordinator) async throws {
        for round in 0..<1000 {
            clock.advance(by: .seconds(100))
            try await coordinator.finishPublications(expired: true)
            let request = LeaseRequest(worker: "last", incarnation: "1", name: "\(round)")
            let answer = try await Self.acquire(request, coordinator)
            try note(answer, to: request, name)
            if case .done = answer { return }
            guard let grant = answer.grant else { continue }
            let standing = try await coordinator.publish(grant.lease, make(grant.lease))
            try #require(standing == .accepted, "\(name)")
            try accept(grant.lease, name)
        }
        Issue.record("\(name): the build does not end")
    }
}
