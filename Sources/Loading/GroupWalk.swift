/// The order in which the samples of a few shards are given: the shards are read in turns, sample by sample, through a buffer
/// from which chance takes the next, and which is empty at the end.
///
/// It needs the number of samples and their lengths, which the shards' indexes say: so the order is the same whether anything
/// is read or not, and whether what is read is damaged or not.
struct GroupWalk<Payload> {
    /// A sample of a shard, which is the `shard`th of the group.
    struct Entry {
        let shard: Int
        let number: Int
        let byteCount: Int
        let payload: Payload
    }

    private let byteCounts: [[Int]]
    private let limit: LoadingOrder
    private var chance: Chance
    private var waiting: [Entry] = []
    private var waitingByteCount = 0
    /// The shards that are not at their end, and the next sample of each.
    private var readers: [(shard: Int, next: Int)]
    /// The reader whose turn it is.
    private var turn = 0

    /// The walk through shards whose samples have `byteCounts`.
    init(_ byteCounts: [[Int]], _ limit: LoadingOrder, _ chance: Chance) {
        (self.byteCounts, self.limit, self.chance) = (byteCounts, limit, chance)
        readers = byteCounts.indices.filter { !byteCounts[$0].isEmpty }.map { ($0, 0) }
    }

    /// How many samples wait.
    var waitingCount: Int { waiting.count }

    /// The next sample; nil at the end.
    ///
    /// `read` is asked for the payload of each sample once, shard by shard in order.
    mutating func next(_ read: (_ shard: Int, _ number: Int) -> Payload) -> Entry? {
        while !readers.isEmpty, waiting.count < limit.bufferedSamples, waitingByteCount < limit.bufferedBytes {
            let (shard, number) = readers[turn]
            let byteCount = byteCounts[shard][number]
            waiting.append(
                Entry(shard: shard, number: number, byteCount: byteCount, payload: read(shard, number)))
            waitingByteCount += byteCount
            if number + 1 < byteCounts[shard].count {
                readers[turn].next = number + 1
                turn += 1
            } else {
                readers.remove(at: turn)
            }
            if turn >= readers.count { turn = 0 }
        }
        guard !waiting.isEmpty else { return nil }
        waiting.swapAt(chance.below(waiting.count), waiting.count - 1)
        let entry = waiting.removeLast()
        waitingByteCount -= entry.byteCount
        return entry
    }
}
