import Digests
import Samples
package import Storage

/// One image with its captions, as a trainer gets it.
package struct TrainingSample: Sendable, Equatable {
    package let key: String
    /// The encoded image.
    package let image: [UInt8]
    /// The kept captions, best first; at least one.
    package let captions: [String]
    /// How many epochs were over before this one.
    package let epoch: Int
    /// The place of the shard: for errors.
    package let shard: String
}

/// What decides the order of samples beside the shards themselves; another value is another order.
package struct LoadingOrder: Sendable, Equatable {
    package var seed: UInt64
    /// How many shards are read together, in turns.
    package var interleavedShards = 4
    /// How many samples wait for their turn.
    package var bufferedSamples = 4096
    /// The images that wait have at most this many bytes, and one image more.
    package var bufferedBytes = 512 << 20

    package init(seed: UInt64) { self.seed = seed }
}

/// The samples of published data sets in a random order that is the same in every run.
///
/// An epoch gives every sample once. Its shards are permuted and read in groups of a few, in turns, through a buffer
/// from which chance takes the next sample; the buffer is emptied at the end of a group. So the order depends on
/// `LoadingOrder` and the list of shards alone, memory is bounded, and to go on in the middle means to skip whole groups
/// and to read again inside one.
package struct ShardLoader: Sendable {
    package let order: LoadingOrder
    /// How many samples an epoch has.
    package let sampleCount: Int
    let shards: [PublishedShard]
    let sampleCounts: [Int]

    /// Finds the shards of the data sets in `directories`, which are outputs of the pipeline.
    ///
    /// - Throws: As of the data sets themselves.
    package init(directories: [String], order: LoadingOrder) throws(LoadingError) {
        try self.init(directories.map(Dataset.init(at:)), order: order)
    }

    /// Finds the shards of `datasets`, wherever they are.
    ///
    /// - Throws: `dataset`, `missing`, `damaged` where a file is not what `dataset.json` says, `empty` without samples.
    package init(_ datasets: [Dataset], order: LoadingOrder) throws(LoadingError) {
        precondition(order.interleavedShards > 0 && order.bufferedSamples > 0, "at least one shard and one sample")
        shards = try publishedShards(in: datasets)
        sampleCounts = shards.map(\.samples)
        sampleCount = sampleCounts.reduce(0, +)
        self.order = order
        guard sampleCount > 0 else {
            let places = datasets.map { $0.place(of: DatasetLayout.description) }
            throw LoadingError(.empty, places.joined(separator: ", "), "no published shard holds a sample")
        }
    }

    /// The same where shards and order are the same, wherever the data sets lie.
    ///
    /// A checkpoint that stores it knows whether its position still means the same sample.
    package var fingerprint: String {
        let settings = [
            Int(truncatingIfNeeded: order.seed), order.interleavedShards, order.bufferedSamples, order.bufferedBytes,
        ]
        let lines = ["\(settings)"] + shards.map { "\($0.name) \($0.samples) \($0.sha256)" }
        return digest(of: Array(lines.joined(separator: "\n").utf8)).hex
    }

    /// The samples from `position` on, over epochs without end; `position` counts from the start of epoch 0.
    package func samples(from position: Int) -> SampleStream { SampleStream(self, from: position) }

    func plan(epoch: Int) -> EpochPlan {
        EpochPlan(shardCount: shards.count, width: order.interleavedShards, seed: order.seed, epoch: epoch)
    }
}

/// Samples one after the other, without end.
package final class SampleStream {
    private let loader: ShardLoader
    private var epoch: Int
    private var plan: EpochPlan
    /// The group to read when `group` is at its end, and how many of its samples to pass over.
    private var nextGroup: Int
    private var samplesToSkip: Int
    private var group: GroupReader?

    init(_ loader: ShardLoader, from position: Int) {
        precondition(position >= 0, "positions count from the start of epoch 0")
        self.loader = loader
        epoch = position / loader.sampleCount
        plan = loader.plan(epoch: epoch)
        (nextGroup, samplesToSkip) = plan.place(
            of: position % loader.sampleCount, sampleCounts: loader.sampleCounts)
    }

    /// How many samples wait in the buffer.
    var bufferedSamples: Int { group?.buffer.count ?? 0 }

    /// The next sample.
    ///
    /// - Throws: `damaged` or `missing`, with the shard. Reading cannot go on behind it.
    package func next() throws(LoadingError) -> TrainingSample {
        while true {
            if let sample = try group?.next() { return sample }
            try startGroup()
        }
    }

    private func startGroup() throws(LoadingError) {
        if nextGroup == plan.groups.count {
            epoch += 1
            plan = loader.plan(epoch: epoch)
            nextGroup = 0
        }
        group = nil  // its files are closed before others are opened
        group = try GroupReader(loader, plan.groups[nextGroup], number: nextGroup, epoch: epoch)
        for _ in 0..<samplesToSkip { _ = try group?.next() }
        samplesToSkip = 0
        nextGroup += 1
    }
}
