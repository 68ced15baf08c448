package import Storage

/// Data sets whose samples are shown as those of one, and how often they are.
public struct LoadingSet: Sendable {
    let datasets: [Dataset]
    /// How large the set's share of the samples is, next to those of the other sets; above 0.
    ///
    /// Nil is the number of its samples: where all sets have it, a pass over each takes as long.
    public var share: Double?
    /// How its images are prepared, where that is another way than the other sets'.
    public var transform: ImageTransform?
    /// The keys of the samples that are shown; nil shows all.
    package var keys: Set<String>?

    /// The data sets in the directories `places`, outputs of the pipeline.
    public init(at places: [String], share: Double? = 1, transform: ImageTransform? = nil) {
        self.init(places.map(Dataset.init(at:)), share: share, transform: transform)
    }

    /// The data sets `datasets`, wherever they are.
    package init(_ datasets: [Dataset], share: Double? = 1, transform: ImageTransform? = nil) {
        precondition(share.map { $0 > 0 && $0.isFinite } ?? true, "a set has a share above 0, or is left out")
        self.datasets = datasets
        self.share = share
        self.transform = transform
    }
}

/// What decides the order of samples beside the shards themselves; another value is another order.
public struct LoadingOrder: Sendable, Equatable {
    /// How several sets are mixed, each by its share.
    public enum Mixing: Sendable, Hashable {
        /// Sample by sample: a batch holds samples of every set.
        case samples
        /// Batch by batch, each of so many samples of one set, as LAVIS does.
        case batches(of: Int)
    }

    /// Another seed is another order.
    public var seed: UInt64
    /// How several sets are mixed.
    public var mixing = Mixing.samples
    /// How many shards of a set are read together, in turns.
    public var interleavedShards = 4
    /// How many samples of a set wait for their turn.
    public var bufferedSamples = 4096
    /// The samples that wait have at most this many bytes, and one sample more.
    public var bufferedBytes = 512 << 20

    /// The order of `seed`.
    public init(seed: UInt64) { self.seed = seed }
}
