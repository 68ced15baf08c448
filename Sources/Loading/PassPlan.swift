/// The order in which a pass over a set reads its shards: groups of shards that are read together, one group after the other.
///
/// A group is the unit of resumption: how many samples it gives is known from `dataset.json` alone.
struct PassPlan: Equatable {
    /// Numbers of shards.
    let groups: [[Int]]

    /// The plan of `pass` over the set `set`, which has `shardCount` shards, `width` of which are read together.
    init(shardCount: Int, width: Int, seed: UInt64, set: Int, pass: Int) {
        var chance = Chance(seed: seed, .shardOrder, set, pass)
        let order = chance.permutation(of: shardCount)
        groups = stride(from: 0, to: shardCount, by: width).map { start in
            Array(order[start..<min(start + width, shardCount)])
        }
    }

    /// The group that holds the pass's sample number `offset`, and how many of its samples come before that.
    func place(of offset: Int, sampleCounts: [Int]) -> (group: Int, samplesBefore: Int) {
        var left = offset
        for (number, group) in groups.enumerated() {
            let count = group.reduce(0) { $0 + sampleCounts[$1] }
            if left < count { return (number, left) }
            left -= count
        }
        preconditionFailure("a pass has no sample \(offset)")
    }
}
