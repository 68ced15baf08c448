package import Coordination
import Logging
import Samples
package import Storage

/// Keeps what lies under `shards/` and what the job store says of it the same, and touches no file of others.
package struct ShardKeeper: Sendable {
    package let output: OutputDirectory
    package let store: any JobStore

    /// Puts a finished shard under `shards/`, or among the drafts; one that is there already is no fault.
    ///
    /// - Throws: Where a file of that name is there already and is not recorded: it is not this build's.
    func publish(_ unit: WorkUnit, generation: Int, _ result: UnitResult, asDraft isDraft: Bool = false) throws {
        let isInPlace =
            try (isDraft || store.owns(unit: store.id(of: unit)))
            && output.isInPlace(
                unit.shardName, generation: generation, isDraft: isDraft, byteCount: result.byteCount,
                tableByteCount: result.tableByteCount)
        if isInPlace { return }
        if isDraft { return try output.keepDraft(unit.shardName, generation: generation) }
        if try !store.owns(unit: store.id(of: unit)) {
            try output.requireFree(unit.shardName)
            try store.recordOwned(unit: store.id(of: unit))
        }
        try output.publish(unit.shardName, generation: generation)
    }

    /// Takes back shards whose files are gone or cut short, and removes what killed workers left; gives how many there were.
    ///
    /// For a time when no worker runs.
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
