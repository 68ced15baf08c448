package import Coordination
import Logging
import Samples
package import Storage

/// Keeps what is under `shards/` and what the job store says of it the same, and touches no file of others.
package struct ShardKeeper: Sendable {
    package let output: OutputDirectory
    package let store: any JobStore
    /// The store, where it is on a server that other coordinators reach.
    package var server: SQLJobStore?

    /// Puts a finished shard under `shards/`, or among the drafts; one that is there already is no fault.
    ///
    /// What a worker has made is read again first, unless `isChecked`: a disk, a network or a worker may have changed it. The store is
    /// asked whether files of that name are the build's own, unless `isOwned`.
    ///
    /// - Throws: Where it is not what `result` says, and where a file of that name is there already and is not recorded: it is not
    ///   this build's.
    func publish(
        _ unit: WorkUnit, generation: Int, _ result: UnitResult, asDraft isDraft: Bool = false, isChecked: Bool = false,
        isOwned: Bool = false
    ) throws {
        let made = try place(of: result, of: unit, generation: generation)
        let isThere = try output.store.stat(made.shard) != nil && output.store.stat(made.table) != nil
        if !isThere, try isDraft || isOwned || store.owns(unit: store.id(of: unit)) {
            // A coordinator that was killed may have put both in place and not recorded them.
            let (shard, table) = (
                DatasetLayout.shard(made.name, isDraft: isDraft), DatasetLayout.table(made.name, isDraft: isDraft)
            )
            if try fault(of: result, shard: shard, table: table) == nil { return }
        }
        if !isChecked, let fault = try fault(of: result, shard: made.shard, table: made.table) {
            throw DamagedResult(description: fault)
        }
        if isDraft { return try output.keepDraft(made) }
        if !isOwned, try !store.owns(unit: store.id(of: unit)) {
            try output.requireFree(unit.shardName)
            try store.recordOwned(unit: store.id(of: unit))
        }
        try output.publish(made)
    }

    private func place(of result: UnitResult, of unit: WorkUnit, generation: Int) throws -> MadeShard {
        guard let named = result.made else { return MadeShard(unit.shardName, generation: generation) }
        guard
            let made = MadeShard(unit.shardName, generation: generation, shard: named.shard, table: named.table)
        else {
            throw DamagedResult(description: "\(named.shard): no place for what is made of \(unit.shardName)")
        }
        return made
    }

    /// What is wrong with the two objects of a result, by size and digest; the table, which is smaller, is read first.
    private func fault(of result: UnitResult, shard: ObjectKey, table: ObjectKey) throws -> String? {
        try output.store.fault(of: table, ObjectDigest(byteCount: result.tableByteCount, digest: result.tableDigest))
            ?? output.store.fault(of: shard, ObjectDigest(byteCount: result.byteCount, digest: result.digest))
    }

    /// Takes back shards whose files are gone or cut short, and removes shards that were put in place and never recorded; gives how
    /// many were taken back.
    ///
    /// Call it while nothing is being published.
    func repair(_ logger: Logger) throws -> Int {
        var lost = 0
        try store.forEachPublished { shard in
            guard
                let damage = output.damage(
                    of: shard.unit.shardName, isDraft: shard.isDraft, byteCount: shard.result.byteCount,
                    tableByteCount: shard.result.tableByteCount)
            else { return }
            logger.warning("a shard is damaged and is made again", metadata: ["fault": "\(damage)"])
            try store.takeBack(unit: store.id(of: shard.unit))
            lost += 1
        }
        try output.remove(store.leftovers().map(\.shardName))
        try store.disownLeftovers()
        return lost
    }
}

/// What a worker has made is not what it says, or not where it may be.
private struct DamagedResult: Error, CustomStringConvertible {
    let description: String
}
