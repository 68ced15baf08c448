import Coordination
import Foundation
import Locks
import Samples

/// A job store that forgets: the simplest thing that the conformance suite accepts, and a check of that suite.
///
/// Its disk can be made full.
final class InMemoryJobStore: JobStore {
    private enum UnitState: Equatable {
        case planned
        case leased(Lease)
        case published(generation: Int, UnitResult, isDraft: Bool)
        case failed
    }

    private struct Entry {
        let unit: WorkUnit
        var state = UnitState.planned
        var generation = 0
        var failures = 0
        var message = ""
    }

    private struct Content {
        var build: BuildRecord?
        var isPlanned = false
        var sources: [String] = []
        var entries: [Int: Entry] = [:]
        var sightings: [WorkerSighting] = []
        var progress: [String: SourceProgress] = [:]
        /// Units whose files under `shards/` are the build's own.
        var owned: Set<Int> = []
        var isFull = false
        var ordered: [Entry] { entries.values.sorted { $0.unit.id < $1.unit.id } }
    }

    private let content = Locked(Content())

    func setFull(_ isFull: Bool) { content.withLock { $0.isFull = isFull } }

    func build() -> BuildRecord? { content.withLock { $0.build } }
    func isPlanned() -> Bool { content.withLock { $0.isPlanned } }

    func beginPlan(of build: BuildRecord, sources: [String]) throws(CoordinationError) {
        guard !isPlanned() else { throw CoordinationError(.conflict, "plan", "whole") }
        content.withLock {
            $0 = Content()
            $0.build = build
            $0.sources = sources
        }
    }

    func addToPlan(_ units: [WorkUnit]) throws(CoordinationError) {
        guard build() != nil, !isPlanned() else { throw CoordinationError(.conflict, "plan", "none is made") }
        content.withLock { content in
            for unit in units { content.entries[unit.id] = Entry(unit: unit) }
        }
    }

    func finishPlan() throws(CoordinationError) {
        guard build() != nil, !isPlanned() else { throw CoordinationError(.conflict, "plan", "none is made") }
        content.withLock { $0.isPlanned = true }
    }

    func nextUnit(fresh: Bool) -> WaitingUnit? {
        content.withLock { content in
            content.ordered.filter { $0.state == .planned && (!fresh || $0.failures == 0) }
                .min { ($0.failures, $0.unit.id) < ($1.failures, $1.unit.id) }
                .map { WaitingUnit(unit: $0.unit, generation: $0.generation, failures: $0.failures) }
        }
    }

    func openUnitCount() -> Int {
        content.withLock { content in
            content.entries.values.count {
                if case .published = $0.state { false } else { $0.state != .failed }
            }
        }
    }

    func recordLease(_ lease: Lease) throws(CoordinationError) {
        try change(lease) { entry in
            guard entry.state == .planned, entry.generation + 1 == lease.generation else { return false }
            entry.generation = lease.generation
            entry.state = .leased(lease)
            return true
        }
    }

    func recordRelease(_ lease: Lease) throws(CoordinationError) {
        try change(lease) { entry in
            guard entry.state == .leased(lease) else { return false }
            entry.state = .planned
            return true
        }
    }

    func recordFailure(_ lease: Lease, message: String, isFinal: Bool) throws(CoordinationError) {
        try change(lease) { entry in
            guard entry.state == .leased(lease) else { return false }
            entry.failures += 1
            entry.message = message
            entry.state = isFinal ? .failed : .planned
            return true
        }
    }

    func recordPublished(_ lease: Lease, _ result: UnitResult, asDraft: Bool) throws(CoordinationError) {
        try change(lease) { entry in
            guard entry.state == .leased(lease) else { return false }
            entry.state = .published(generation: lease.generation, result, isDraft: asDraft)
            return true
        }
    }

    func recordFinal(unit: Int, _ result: UnitResult) throws(CoordinationError) {
        let isChanged = content.withLock { content in
            guard case .published(let generation, _, isDraft: true)? = content.entries[unit]?.state else {
                return false
            }
            content.entries[unit]?.state = .published(generation: generation, result, isDraft: false)
            return true
        }
        if !isChanged { throw CoordinationError(.conflict, "unit \(unit)", "no draft") }
    }

    func releaseAll() {
        content.withLock { content in
            for (id, entry) in content.entries {
                if case .leased = entry.state { content.entries[id]?.state = .planned }
            }
            content.progress = [:]
        }
    }

    func retryFailed() {
        content.withLock { content in
            for (id, entry) in content.entries where entry.state == .failed {
                content.entries[id]?.state = .planned
                content.entries[id]?.failures = 0
            }
        }
    }

    func failures(of unit: Int) -> Int { content.withLock { $0.entries[unit]?.failures ?? 0 } }

    func published(unit: Int) -> PublishedUnit? { content.withLock { $0.entries[unit].flatMap(published) } }

    func published(after id: Int, limit: Int) -> [PublishedUnit] {
        content.withLock { content in
            Array(content.ordered.filter { $0.unit.id > id }.compactMap(published).prefix(limit))
        }
    }

    func failed(after id: Int, limit: Int) -> [FailedUnit] {
        content.withLock { content in
            let failed = content.ordered.filter { $0.unit.id > id && $0.state == .failed }
            return failed.prefix(limit).map {
                FailedUnit(unit: $0.unit, failures: $0.failures, message: $0.message)
            }
        }
    }

    func owns(unit: Int) -> Bool { content.withLock { $0.owned.contains(unit) } }

    func recordOwned(unit: Int) { content.withLock { _ = $0.owned.insert(unit) } }

    func leftovers() -> [WorkUnit] {
        content.withLock { content in
            content.ordered.filter { content.owned.contains($0.unit.id) && published($0)?.isDraft != false }.map(\.unit)
        }
    }

    func disownLeftovers() {
        let left = Set(leftovers().map(\.id))
        content.withLock { $0.owned.subtract(left) }
    }

    func takeBack(unit: Int) throws(CoordinationError) {
        guard let lost = published(unit: unit) else { throw CoordinationError(.conflict, "unit \(unit)", "no shard") }
        content.withLock { content in
            content.entries[unit]?.state = .planned
            content.entries[unit]?.failures = 0
            if lost.isDraft { content.owned.remove(unit) } else { content.owned.insert(unit) }
        }
    }

    func recordSightings(_ sightings: [WorkerSighting], progress: [String: SourceProgress]) {
        content.withLock { ($0.sightings, $0.progress) = (sightings, progress) }
    }

    func status() throws(CoordinationError) -> BuildStatus {
        guard let build = build() else { throw CoordinationError(.store, "build", "none") }
        let sources = content.withLock { content in
            content.sources.map { name in
                var start = SourceStatus(name: name)
                start.rowsInFlight = content.progress[name]?.rowsInFlight ?? 0
                start.rowsPerSecond = content.progress[name]?.rowsPerSecond ?? 0
                return content.ordered.filter { $0.unit.source == name }.reduce(into: start, count)
            }
        }
        let isOpen = openUnitCount() > 0
        let phase: BuildStatus.Phase =
            !isPlanned()
            ? .planning
            : isOpen
                ? .running
                : sources.contains { $0.failedUnits > 0 }
                    ? .failed : sources.contains { $0.draftUnits > 0 } ? .deduplicating : .finished
        return BuildStatus(
            phase: phase, manifestDigest: build.manifestDigest, softwareVersion: build.softwareVersion,
            created: build.created, sources: sources, failedUnits: failed(after: -1, limit: 100),
            workers: content.withLock { $0.sightings })
    }

    private func count(_ sum: inout SourceStatus, _ entry: Entry) {
        sum.units += 1
        sum.rows += entry.unit.rowCount
        switch entry.state {
        case .planned: break
        case .leased: sum.leasedUnits += 1
        case .failed: sum.failedUnits += 1
        case .published(_, let result, let isDraft):
            sum.publishedUnits += 1
            sum.draftUnits += isDraft ? 1 : 0
            sum.publishedRows += result.rows
            sum.samples += result.samples
            sum.byteCount += result.byteCount
            sum.rejections.merge(result.rejections, uniquingKeysWith: +)
        }
    }

    private func published(_ entry: Entry) -> PublishedUnit? {
        guard case .published(let generation, let result, let isDraft) = entry.state else { return nil }
        return PublishedUnit(unit: entry.unit, generation: generation, result: result, isDraft: isDraft)
    }

    private func change(_ lease: Lease, _ body: (inout Entry) -> Bool) throws(CoordinationError) {
        if content.withLock({ $0.isFull }) { throw CoordinationError(.store, "memory", "disk full") }
        let isChanged = content.withLock { content in
            guard var entry = content.entries[lease.unit], body(&entry) else { return false }
            content.entries[lease.unit] = entry
            return true
        }
        if !isChanged { throw CoordinationError(.conflict, "unit \(lease.unit)", "another state") }
    }
}
