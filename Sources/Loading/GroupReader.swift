import Samples
import Shards

/// Reads a few shards in turns, sample by sample, through a shuffle buffer that is empty at the end.
struct GroupReader {
    private(set) var buffer: ShuffleBuffer
    private var readers: [CountedReader] = []
    /// The reader whose turn it is.
    private var turn = 0

    init(_ loader: ShardLoader, _ shards: [Int], number: Int, epoch: Int) throws(LoadingError) {
        let chance = Chance(seed: loader.order.seed, .sampleOrder, UInt64(epoch), UInt64(number))
        buffer = ShuffleBuffer(loader.order, chance)
        for shard in shards { readers.append(try CountedReader(loader.shards[shard], epoch: epoch)) }
    }

    /// The next sample; nil at the end of the group.
    mutating func next() throws(LoadingError) -> TrainingSample? {
        while !readers.isEmpty, !buffer.isFull {
            if let sample = try readers[turn].next() {
                buffer.insert(sample)
                turn += 1
            } else {
                readers.remove(at: turn)
            }
            if turn >= readers.count { turn = 0 }
        }
        return buffer.take()
    }
}

/// Reads one shard and sees that it holds as many samples as `dataset.json` says: positions are counted by it.
private struct CountedReader {
    private let reader: ShardReader
    private let shard: PublishedShard
    private let place: String
    private let epoch: Int
    private var count = 0

    init(_ shard: PublishedShard, epoch: Int) throws(LoadingError) {
        let file = try shard.open()
        do {
            reader = try ShardReader(file)
        } catch {
            throw LoadingError(.damaged, file.name, error.detail)
        }
        place = file.name
        self.shard = shard
        self.epoch = epoch
    }

    mutating func next() throws(LoadingError) -> TrainingSample? {
        let sample: ShardSample?
        do {
            sample = try reader.next()
        } catch {
            throw LoadingError(.damaged, place, "\(error.code.rawValue): \(error.detail)")
        }
        count += sample == nil ? 0 : 1
        guard sample == nil ? count == shard.samples : count <= shard.samples else {
            throw LoadingError(
                .damaged, place, "holds \(sample == nil ? "" : "at least ")\(count) samples, not \(shard.samples)")
        }
        return sample.map { sample in
            TrainingSample(
                key: sample.key, image: sample.image, captions: sample.metadata.captions.map { readable($0.text) },
                epoch: epoch,
                shard: place)
        }
    }
}
