import Coordination
import Foundation
import RandomNumbers
import Samples
import Testing

/// Several coordinators over one store, workers, their files and a clock: every event is one step, drawn by chance.
///
/// Coordinators are killed, stopped and continued between any two calls of the store; answers get lost, messages come late and
/// again; disks fail. What the world has seen is held against the store after each step.
struct LeaseWorld {
    /// A publication under way in a coordinator.
    private struct Job {
        let unit: WorkUnit
        let lease: Lease
        let result: UnitResult
        var isInPlace = false
    }

    private struct Process {
        var jobs: [Job] = []
        var isStopped = false
    }

    /// The files of the units: by whom they were made.
    private struct Files {
        var scratch: [Lease: UnitResult] = [:]
        var published: [UnitID: UnitResult] = [:]

        /// As a coordinator puts them in place; false where they are gone.
        mutating func put(_ job: Job) -> Bool {
            if published[job.lease.unit] == job.result { return true }
            guard let made = scratch.removeValue(forKey: job.lease) else { return false }
            published[job.lease.unit] = made
            return true
        }
    }

    private let store: any JobStore
    private let clock: ManualClock
    private let unitCount: Int
    private var random: SplitMix64
    private let place: String
    private var files = Files()
    private var processes: [Process] = [Process()]
    private var workers = ["w0": 0, "w1": 0, "w2": 0]  // the number of their incarnation
    private var requests: [LeaseRequest] = []
    private var issued: [UnitID: [Lease]] = [:]
    private var results: [Lease: UnitResult] = [:]
    private var accepted: [UnitID: Lease] = [:]
    private var failures: [UnitID: Int] = [:]

    init(_ store: any JobStore, _ clock: ManualClock, units: [Int], seed: UInt64) throws {
        (self.store, self.clock, unitCount) = (store, clock, units.reduce(0, +))
        random = SplitMix64(seed: seed)
        place = "seed \(seed)"
        try store.plan(units: units)
    }

    /// Goes through `steps` events, then to the end of the build, with everything checked.
    mutating func run(steps: Int) throws {
        for step in 0..<steps {
            try act("\(place), step \(step)")
            if step % 4 == 0 { try check("\(place), step \(step)") }
        }
        try finish()
        try check("\(place), end")
        let total = try store.status().total
        try #require(total.publishedUnits + total.failedUnits == unitCount, "\(place)")
    }

    // MARK: Events

    private mutating func act(_ place: String) throws {
        let index = processes.indices.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<40, using: &random) {
        case 0: processes[index] = Process()  // killed; another is started in its place
        case 1..<3: processes[index].isStopped.toggle()
        case 3: try start()
        case 4..<6: clock.advance(by: .seconds(Int.random(in: 1...200, using: &random)))
        case 6: try workers.keys.sorted().randomElement(using: &random).map { try endWorker($0) }
        case 7..<11: try expire()
        case 11..<20: try ask(place)
        case 20..<25: try step(index)
        default: try send(to: index, place)
        }
    }

    /// A coordinator starts beside the others, or in the place of one: it adopts leases and finishes publications.
    private mutating func start() throws {
        let left = try store.decide { leases throws in
            try leases.adopt()
            return try leases.unfinishedPublications(expired: false)
        }
        let process = Process(jobs: left.map { Job(unit: $0.unit, lease: $0.lease, result: $0.result) })
        if processes.count < 3 { processes.append(process) } else { processes[0] = process }
    }

    private mutating func expire() throws {
        note(try store.decide { leases throws in try leases.expire() })
    }

    private mutating func endWorker(_ worker: String) throws {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: workers[worker, default: 0] += 1  // started again; the former process may come back
        case 1:
            note(
                try store.decide { leases throws in try leases.endWorker(worker, incarnation: nil, message: "killed") })
        default:
            let incarnation = "\(workers[worker, default: 0])"
            note(
                try store.decide { leases throws in
                    try leases.endWorker(worker, incarnation: incarnation, message: nil)
                })
        }
    }

    /// A worker asks for units, or repeats what it asked.
    private mutating func ask(_ place: String) throws {
        var request = requests.randomElement(using: &random)
        if request == nil || Int.random(in: 0..<3, using: &random) > 0 {
            let worker = "w\(Int.random(in: 0..<3, using: &random))"
            let new = LeaseRequest(
                worker: worker, incarnation: "\(workers[worker, default: 0])", name: place,
                limit: Int.random(in: 1...3, using: &random))
            requests.append(new)
            request = new
        }
        guard let request else { return }
        let acquired = try store.decide { leases throws in try leases.acquire(request) }
        guard case .granted(let grants) = acquired else {
            try #require(
                request.incarnation != "\(workers[request.worker, default: 0])", "\(place): replaced by nobody")
            return
        }
        for grant in grants {
            let known = issued[grant.lease.unit, default: []]
            try #require(accepted[grant.lease.unit] == nil, "\(place): a published unit was leased")
            if known.last == grant.lease { continue }
            try #require(grant.lease.generation == (known.last?.generation ?? 0) + 1, "\(place): \(grant.lease)")
            issued[grant.lease.unit] = known + [grant.lease]
        }
    }

    /// A message under any lease that was ever granted, to the coordinator `index`.
    private mutating func send(to index: Int, _ place: String) throws {
        // Mostly what was granted last, which may be current.
        let recent = Int.random(in: 0..<3, using: &random) > 0
        guard !processes[index].isStopped,
            let unit = issued.keys.sorted(by: { $0.description < $1.description }).randomElement(using: &random),
            let lease = recent ? issued[unit]?.last : issued[unit]?.randomElement(using: &random)
        else { return }
        switch Int.random(in: 0..<16, using: &random) {
        case 0:
            note([try store.decide { leases throws in try leases.fail(lease, message: "failed") }].compactMap { $0 })
        case 1: _ = try store.decide { leases throws in try leases.release(lease) }
        case 2..<4:
            let standing = try store.renew(lease)
            try #require(standing == .stale || lease == issued[unit]?.last, "\(place): an old lease was renewed")
        default: try publish(lease, index, place)
        }
    }

    private mutating func publish(_ lease: Lease, _ index: Int, _ place: String) throws {
        if results[lease] == nil {
            // Its own for each lease, so that a file put over another is seen.
            results[lease] = someResult(UInt8(results.count % 256), rejections: ["timeout": 1 + lease.generation % 9])
            files.scratch[lease] = results[lease]
        }
        guard let result = results[lease] else { return }
        switch try store.decide({ leases throws in try leases.beginPublish(lease, result) }) {
        case .begun(let unit):
            // The coordinator may be killed before it knows.
            if Int.random(in: 0..<8, using: &random) > 0 {
                processes[index].jobs.append(Job(unit: unit, lease: lease, result: result))
            }
        case .published: try accept(lease, place)
        case .stale: break
        case .badResult(_, let fault): Issue.record("\(place): \(fault)")
        }
    }

    /// A coordinator goes one step further with something that it is publishing.
    private mutating func step(_ index: Int) throws {
        guard !processes[index].isStopped, let job = processes[index].jobs.indices.randomElement(using: &random) else {
            return
        }
        var current = processes[index].jobs[job]
        if current.isInPlace {
            processes[index].jobs.remove(at: job)
            let standing = try store.decide { leases throws in
                try leases.commitPublish(current.lease, current.result, asDraft: false)
            }
            if standing == .accepted { try accept(current.lease, place) }
            // The answer of the store got lost: it does the same again.
            if Int.random(in: 0..<6, using: &random) == 0 { processes[index].jobs.append(current) }
        } else if Int.random(in: 0..<4, using: &random) > 0, files.put(current) {
            current.isInPlace = true
            processes[index].jobs[job] = current
        } else {
            processes[index].jobs.remove(at: job)
            try abandon(current)
        }
    }

    /// The files could not be put in place.
    private mutating func abandon(_ job: Job) throws {
        let isLeft = files.scratch[job.lease] != nil || files.published[job.lease.unit] == job.result
        // A disk that is full: it is tried again, by whomever.
        if isLeft, Bool.random(using: &random) { return }
        let end: PublishEnd = isLeft ? .fails("disk") : .waits
        files.scratch[job.lease] = nil
        note([try store.decide { leases throws in try leases.abandonPublish(job.lease, end) }].compactMap { $0 })
    }

    private mutating func accept(_ lease: Lease, _ place: String) throws {
        try #require(lease == issued[lease.unit]?.last, "\(place): an old lease published")
        try #require(accepted[lease.unit] ?? lease == lease, "\(place): published twice")
        accepted[lease.unit] = lease
    }

    private mutating func note(_ failed: [CountedFailure]) {
        for failure in failed { failures[failure.lease.unit] = failure.failures }
    }

    // MARK: What must hold

    private func check(_ place: String) throws {
        let published = try store.published(after: nil, limit: 100)
        for unit in published {
            let id = store.id(of: unit.unit)
            let newest = issued[id]?.last
            try #require(unit.generation == newest?.generation, "\(place): \(id)")
            try #require(unit.result == newest.flatMap { results[$0] }, "\(place): \(id)")
            try #require(files.published[id] == unit.result, "\(place): \(id) has the files of another lease")
        }
        try #require(Set(published.map { store.id(of: $0.unit) }).isSuperset(of: accepted.keys), "\(place): lost")
        for failed in try store.failed(after: nil, limit: 100) {
            let id = store.id(of: failed.unit)
            try #require(failed.failures == 3 && failures[id] == 3 && accepted[id] == nil, "\(place): \(id)")
        }
        let leases = issued.values.joined()
        let lost = Set(try store.decide { transaction throws in try transaction.lost(among: Array(leases)) })
        for (unit, leases) in issued {
            let holders = leases.filter { !lost.contains($0) }
            try #require(holders.isEmpty || holders == [leases.last], "\(place): \(unit) is held by \(holders)")
        }
        try #require(try store.status().total.units == unitCount, "\(place)")
    }

    /// A last coordinator finishes what is left; nothing fails any more.
    private mutating func finish() throws {
        processes = []
        try start()
        for job in processes[0].jobs {
            if files.put(job) {
                _ = try store.decide { leases throws in try leases.commitPublish(job.lease, job.result, asDraft: false)
                }
            } else {
                try abandon(job)
            }
        }
        clock.advance(by: .seconds(1000))
        try expire()
        try check("\(place), taken over")
        while let lease = try store.acquire("last", request: UUID().uuidString).first?.lease {
            issued[lease.unit, default: []].append(lease)
            results[lease] = someResult()
            files.scratch[lease] = someResult()
            _ = try store.decide { leases throws in try leases.beginPublish(lease, someResult()) }
            let isInPlace = files.put(Job(unit: someUnit(lease), lease: lease, result: someResult()))
            try #require(isInPlace, "\(place)")
            _ = try store.decide { leases throws in try leases.commitPublish(lease, asDraft: false) }
            try accept(lease, place)
        }
        try #require(try store.openUnitCount() == 0, "\(place)")
    }

    private func someUnit(_ lease: Lease) -> WorkUnit {
        WorkUnit(
            source: lease.unit.source, index: lease.unit.index, firstRow: 0, rowCount: 10,
            start: InputPosition(file: 0, offset: 0))
    }
}
