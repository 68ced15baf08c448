import Samples

/// The decisions of a `MemoryJobStore`, on a copy of what it knows.
final class MemoryTransaction: LeaseTransaction {
    private(set) var content: MemoryContent
    private let policy: LeasePolicy
    private let build: BuildID
    private let now: Duration

    init(_ content: MemoryContent, _ policy: LeasePolicy, _ build: BuildID, now: Duration) {
        (self.content, self.policy, self.build, self.now) = (content, policy, build, now)
    }

    private var expiry: Duration { now + policy.duration }

    func acquire(_ request: LeaseRequest) -> Acquired {
        let known = content.incarnations[request.worker, default: []]
        guard known.last == request.incarnation || !known.contains(request.incarnation) else { return .replaced }
        if known.last != request.incarnation { content.incarnations[request.worker] = known + [request.incarnation] }
        let former = content.table.held(by: request.worker).filter {
            $0.lease.incarnation != request.incarnation && $0.publishing == nil
        }
        for holding in former { end(holding.lease, .waiting) }
        let held = content.table.held(by: request.worker)
        let granted = held.filter { $0.lease.incarnation == request.incarnation && $0.request == request.name }
        guard granted.isEmpty else {
            for holding in granted { _ = content.table.renew(holding.lease, until: expiry) }
            return .granted(granted.map(grant))
        }
        let chosen = choose(request.limit, Admission(holding: held.count, policy))
        return .granted(chosen.map { lease($0, request) })
    }

    private func choose(_ limit: Int, _ admission: Admission) -> [MemoryContent.Entry] {
        let waiting = content.waiting
        let fresh = waiting.filter { $0.failures == 0 }
        switch admission {
        case .anyUnit: return Array(fresh.isEmpty ? waiting.prefix(1) : fresh.prefix(min(limit, policy.unitsPerWorker)))
        case .freshUnits(let most): return Array(fresh.prefix(min(limit, most)))
        case .noUnit: return []
        }
    }

    private func lease(_ entry: MemoryContent.Entry, _ request: LeaseRequest) -> LeaseGrant {
        let id = UnitID(entry.unit, in: build)
        let lease = Lease(
            unit: id, worker: request.worker, incarnation: request.incarnation, generation: entry.generation + 1)
        content.entries[id]?.state = .held
        content.entries[id]?.generation = lease.generation
        content.table.add(lease, on: entry.unit, for: request.name, until: expiry)
        return LeaseGrant(lease: lease, unit: entry.unit, duration: policy.duration)
    }

    private func grant(_ holding: LeaseTable.Holding) -> LeaseGrant {
        LeaseGrant(lease: holding.lease, unit: holding.unit, duration: policy.duration)
    }

    func openUnitCount() -> Int { content.openUnitCount }

    func failedUnitCount() -> Int { content.failedUnitCount }

    func renew(_ lease: Lease) -> LeaseStanding { content.table.renew(lease, until: expiry) ? .accepted : .stale }

    func lost(among leases: [Lease]) -> [Lease] { leases.filter { !content.table.isCurrent($0) } }

    func expire() -> [CountedFailure] {
        content.table.expired(now: now).map { counted($0, policy.expiryMessage($0.worker)) }
    }

    func release(_ lease: Lease) -> LeaseStanding {
        guard isLeased(lease) else { return .stale }
        end(lease, .waiting)
        return .accepted
    }

    func fail(_ lease: Lease, message: String) -> CountedFailure? { isLeased(lease) ? counted(lease, message) : nil }

    private func isLeased(_ lease: Lease) -> Bool {
        content.table.holding(of: lease).map { $0.publishing == nil } ?? false
    }

    // MARK: Publishing

    func beginPublish(_ lease: Lease, _ result: UnitResult, owning: Bool) -> PublishStart {
        if case .published(let generation, let published, _)? = content.entries[lease.unit]?.state {
            return generation == lease.generation && published == result ? .published : .stale
        }
        guard let holding = content.table.holding(of: lease) else { return .stale }
        if let begun = holding.publishing {
            guard begun == result else { return .stale }
            if owning { content.entries[lease.unit]?.isOwned = true }
            return .begun(holding.unit)
        }
        if let fault = result.fault(for: holding.unit) { return .badResult(holding.unit, fault) }
        content.table.setPublishing(lease, result)
        if owning { content.entries[lease.unit]?.isOwned = true }
        _ = content.table.renew(lease, until: expiry)
        return .begun(holding.unit)
    }

    func commitPublish(_ lease: Lease, _ result: UnitResult, asDraft isDraft: Bool) -> LeaseStanding {
        if case .published(let generation, _, _)? = content.entries[lease.unit]?.state {
            return generation == lease.generation ? .accepted : .stale
        }
        guard content.table.holding(of: lease)?.publishing != nil else { return .stale }
        end(lease, .published(generation: lease.generation, result, isDraft: isDraft))
        return .accepted
    }

    func abandonPublish(_ lease: Lease, _ end: PublishEnd) -> CountedFailure? {
        guard content.table.holding(of: lease)?.publishing != nil else { return nil }
        switch end {
        case .waits: self.end(lease, .waiting)
        case .fails(let message): return counted(lease, message)
        }
        return nil
    }

    func unfinishedPublications(expired: Bool) -> [Publication] {
        content.table.held.filter { !expired || $0.expiry <= now }.compactMap { holding in
            holding.publishing.map { Publication(unit: holding.unit, lease: holding.lease, result: $0) }
        }
    }

    // MARK: Ends

    func endWorker(_ worker: String, incarnation: String?, message: String?) -> [CountedFailure] {
        let held = content.table.held(by: worker).filter {
            $0.publishing == nil && (incarnation == nil || $0.lease.incarnation == incarnation)
        }
        return held.compactMap { holding in
            if let message { return counted(holding.lease, message) }
            end(holding.lease, .waiting)
            return nil
        }
    }

    func adopt() {
        for holding in content.table.held { _ = content.table.renew(holding.lease, until: expiry) }
    }

    func releaseAll() {
        for holding in content.table.held where holding.publishing == nil { end(holding.lease, .waiting) }
        content.progress = [:]
    }

    func recordSightings(_ sightings: RecordedSightings, progress: [String: SourceProgress]) {
        content.sightings = sightings.workers
        content.progress.merge(progress) { $1 }
    }

    /// Ends a current lease; the unit is in `state` from now on.
    private func end(_ lease: Lease, _ state: MemoryContent.UnitState) {
        content.table.remove(lease)
        content.entries[lease.unit]?.state = state
    }

    /// Counts a failure of the unit of a current lease.
    private func counted(_ lease: Lease, _ message: String) -> CountedFailure {
        let failures = (content.entries[lease.unit]?.failures ?? 0) + 1
        let isFinal = policy.isFinal(failures: failures)
        let message = String(message.prefix(failureMessageLimit))
        content.entries[lease.unit]?.failures = failures
        content.entries[lease.unit]?.message = message
        end(lease, isFinal ? .failed : .waiting)
        return CountedFailure(lease: lease, failures: failures, isFinal: isFinal, message: message)
    }
}
