import Digests
import Samples
package import Storage

/// The samples of published data sets in a random order that is the same in every run.
///
/// The order has no end. Every sample has a position in it, from 0; which sample that is depends on `LoadingOrder`, the sets'
/// shares and their lists of shards alone. A pass over a set gives every sample of it once: its shards are permuted and read
/// in groups of a few, in turns, through a buffer from which chance takes the next sample. Memory is bounded, and to go on
/// at a position means to skip whole groups and to read again inside one.
public struct ShardLoader: Sendable {
    /// What decides the order.
    public let order: LoadingOrder
    /// How many samples one pass over every set has.
    public let sampleCount: Int
    let sets: [SetShards]
    private let mixture: Mixture

    /// The shards of a set.
    struct SetShards: Sendable {
        /// The samples that are shown, where that is not all of them.
        let keys: Set<String>?
        let shards: [PublishedShard]
        let sampleCounts: [Int]
        let sampleCount: Int
        let share: Double
        let transform: ImageTransform?
    }

    /// Finds the shards of `sets`, which are mixed by their shares.
    ///
    /// - Throws: `dataset`, `missing`, `damaged` where a file is not what `dataset.json` says, `empty` without samples.
    public init(_ sets: [LoadingSet], order: LoadingOrder) throws(LoadingError) {
        precondition(order.interleavedShards > 0 && order.bufferedSamples > 0, "at least one shard and one sample")
        precondition(!sets.isEmpty, "at least one set")
        var found: [SetShards] = []
        for set in sets {
            let shards = try publishedShards(in: set.datasets)
            let counts = if let keys = set.keys { try shards.counts(of: keys) } else { shards.map(\.samples) }
            guard counts.contains(where: { $0 > 0 }) else {
                let places = set.datasets.map { $0.place(of: DatasetLayout.description) }
                throw LoadingError(
                    .empty, places.joined(separator: ", "),
                    set.keys == nil
                        ? "no published shard holds a sample" : "no published shard holds a sample that is to be shown")
            }
            let sampleCount = counts.reduce(0, +)
            found.append(
                SetShards(
                    keys: set.keys, shards: shards, sampleCounts: counts, sampleCount: sampleCount,
                    share: set.share ?? Double(sampleCount), transform: set.transform))
        }
        let unit = if case .batches(let size) = order.mixing { size } else { 1 }
        precondition(unit > 0, "a batch has at least one sample")
        mixture = Mixture(shares: found.map(\.share), seed: order.seed, unit: unit)
        sampleCount = found.reduce(0) { $0 + $1.sampleCount }
        (self.sets, self.order) = (found, order)
    }

    /// Finds the shards of the data sets in `directories`, outputs of the pipeline, whose samples are shown as those of one.
    ///
    /// - Throws: As of sets.
    public init(directories: [String], order: LoadingOrder) throws(LoadingError) {
        try self.init([LoadingSet(at: directories)], order: order)
    }

    /// Finds the shards of `datasets`, wherever they are.
    ///
    /// - Throws: As of sets.
    package init(_ datasets: [Dataset], order: LoadingOrder) throws(LoadingError) {
        try self.init([LoadingSet(datasets)], order: order)
    }

    /// The same where the order is the same, wherever the data sets lie.
    ///
    /// A checkpoint that stores it knows whether its position still means the same sample.
    public var fingerprint: String {
        // The first line is another where the same settings give another order than in an earlier version.
        var lines = [
            "order 2", "\(order.seed) \(order.mixing)",
            "\(order.interleavedShards) \(order.bufferedSamples) \(order.bufferedBytes)",
        ]
        for set in sets {
            lines.append("share \(set.share)")
            if let keys = set.keys {
                lines.append("keys \(digest(of: Array(keys.sorted().joined(separator: " ").utf8)).hex)")
            }
            lines += set.shards.map { "\($0.name) \($0.samples) \($0.sha256)" }
        }
        return digest(of: Array(lines.joined(separator: "\n").utf8)).hex
    }

    /// The samples from `position` on, without end.
    public func samples(from position: Int) -> SampleStream { SampleStream(self, from: position) }

    /// The sample at `position`, without those around it: its shard is decompressed up to there.
    func sample(at position: Int) throws(LoadingError) -> RawSample {
        var sets = sets(from: position)
        let (set, number) = sets.next()
        return RawSample(try SetReader.item(self, set: set, number: number), set: set, position: position)
    }

    /// The sets that the samples from `position` on come from.
    func sets(from position: Int) -> Mixture.Walk { Mixture.Walk(mixture, from: position) }

    func plan(set: Int, pass: Int) -> PassPlan {
        PassPlan(
            shardCount: sets[set].shards.count, width: order.interleavedShards, seed: order.seed, set: set, pass: pass)
    }
}

/// Samples one after the other, without end.
public final class SampleStream {
    private let loader: ShardLoader
    private var position: Int
    private var sets: Mixture.Walk
    private var readers: [Int: SetReader] = [:]

    init(_ loader: ShardLoader, from position: Int) {
        precondition(position >= 0, "positions count from 0")
        self.loader = loader
        self.position = position
        sets = loader.sets(from: position)
    }

    /// How many samples wait in buffers.
    var bufferedSamples: Int { readers.values.reduce(0) { $0 + $1.bufferedSamples } }

    /// The next sample.
    ///
    /// - Throws: `sample` where it is damaged: the next call gives the sample behind it. Anything else is a shard's fault, or the
    ///   system's, and reading cannot go on.
    public func next() throws(LoadingError) -> TrainingSample { try nextRaw().content() }

    /// The next sample, as it was read.
    func nextRaw() throws(LoadingError) -> RawSample {
        let (set, number) = sets.next()
        if readers[set] == nil { readers[set] = SetReader(loader, set: set, from: number) }
        guard let item = try readers[set]?.next() else { preconditionFailure("the reader was just made") }
        defer { position += 1 }
        return RawSample(item, set: set, position: position)
    }
}

extension RawSample {
    fileprivate init(_ item: SetReader.Item, set: Int, position: Int) {
        self.init(
            key: item.key, position: position, set: set, pass: item.pass, shard: item.shard, bytes: item.bytes)
    }
}
