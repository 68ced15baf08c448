import Files
import Glibc
import Logging
import Samples

// Putting finished units in place: the intent is recorded, the files are moved, then the record is made final.
extension Coordinator {
    /// Publishes what a unit became: notes that, puts its files in place, then records it.
    ///
    /// Throws `badResult` when the numbers do not fit the unit; `busy` while the same publish is under way; `publish`
    /// when the files could not be put in place, which counts as a failure of the unit; `store`, also where the disk is full,
    /// after which the same message may be sent again.
    package func publish(_ lease: Lease, _ result: UnitResult) async throws(CoordinationError) -> LeaseStanding {
        guard publishing.insert(lease).inserted else {
            throw CoordinationError(.busy, "unit \(lease.unit)", "is being published")
        }
        defer { publishing.remove(lease) }
        // Noted with the beginning, the name costs no commit of its own.
        let isFree = makesDrafts ? false : await isFree(lease.unit)
        let start = try await commits.commit { transaction throws(CoordinationError) in
            try transaction.beginPublish(lease, result, owning: isFree)
        }
        switch start {
        case .published: return .accepted
        case .stale: return .stale
        case .badResult(let unit, let fault): throw CoordinationError(.badResult, unit.shardName, fault)
        case .begun(let unit):
            try await put(Publication(unit: unit, lease: lease, result: result), isOwned: isFree)
            return try await record(lease, result)
        }
    }

    private func put(_ publication: Publication, isOwned: Bool) async throws(CoordinationError) {
        let (unit, lease) = (publication.unit, publication.lease)
        do {
            try await publishFiles(publication, isOwned)
        } catch {
            // Then the unit stays one that is being published: the same message goes on with it, or `finishPublications`.
            guard !isDiskFull(error) else {
                throw CoordinationError(.store, unit.shardName, "publishing: \(error)", number: ENOSPC)
            }
            if let fault = error as? CoordinationError, fault.isNoFaultOfUnit { throw fault }
            // A coordinator that is told to stop is no fault of the unit.
            if !(error is CancellationError) { try await abandon(unit, lease, .fails("publishing: \(error)")) }
            throw CoordinationError(.publish, unit.shardName, "\(error)")
        }
    }

    /// Gives up a publication; nothing of its files stays, because whoever was stopped while it put them in place must not go on.
    ///
    /// Where they cannot be removed, the unit stays one that is being published, and `finishPublications` tries again.
    private func abandon(_ unit: WorkUnit, _ lease: Lease, _ end: PublishEnd) async throws(CoordinationError) {
        do {
            try await discardFiles(unit, lease)
        } catch {
            logger.warning(
                "a unit waits until its files can be removed",
                metadata: ["unit": "\(lease.unit)", "reason": "\(error)"])
            return
        }
        let failure = try await commits.commit { transaction throws(CoordinationError) in
            try transaction.abandonPublish(lease, end)
        }
        note([failure].compactMap { $0 })
    }

    /// Records that the files of `lease` are in place.
    private func record(_ lease: Lease, _ result: UnitResult) async throws(CoordinationError) -> LeaseStanding {
        let isDraft = makesDrafts
        let standing = try await commits.commit { transaction throws(CoordinationError) in
            try transaction.commitPublish(lease, result, asDraft: isDraft)
        }
        if standing == .accepted {
            board.remove(lease)
            logger.debug("shard published", metadata: metadata(lease))
        }
        return standing
    }

    /// Finishes what a former coordinator was publishing; only what is past its time when `expired`.
    ///
    /// A unit whose files are neither in place nor in scratch waits again, no failure counted.
    package func finishPublications(expired: Bool = false) async throws(CoordinationError) {
        let left = try await commits.commit { transaction throws(CoordinationError) in
            try transaction.unfinishedPublications(expired: expired)
        }
        for publication in left where publishing.insert(publication.lease).inserted {
            defer { publishing.remove(publication.lease) }
            do {
                try await publishFiles(publication, false)
            } catch {
                // When there is room, when the store is back, or at the next start.
                if isDiskFull(error) || error is CancellationError { return }
                if let fault = error as? CoordinationError, fault.isNoFaultOfUnit { throw fault }
                logger.debug("not published", metadata: ["unit": "\(publication.lease.unit)", "reason": "\(error)"])
                try await abandon(publication.unit, publication.lease, .waits)
                continue
            }
            _ = try await record(publication.lease, publication.result)
        }
    }
}
