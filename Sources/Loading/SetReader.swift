import Samples
import Shards

/// The samples of one set one after the other, over passes without end.
struct SetReader {
    /// A sample that was read, without its position among those of other sets.
    struct Item {
        let key: String
        let pass: Int
        let shard: String
        let bytes: Result<[UInt8], ShardError>
    }

    private let loader: ShardLoader
    private let set: Int
    private var pass: Int
    private var plan: PassPlan
    /// The group to read when `group` is at its end, and how many of its samples to pass over.
    private var nextGroup: Int
    private var samplesToSkip: Int
    private var group: OpenGroup?

    /// From the set's sample number `number` on.
    init(_ loader: ShardLoader, set: Int, from number: Int) {
        (self.loader, self.set) = (loader, set)
        let counts = loader.sets[set].sampleCounts
        pass = number / loader.sets[set].sampleCount
        plan = loader.plan(set: set, pass: pass)
        (nextGroup, samplesToSkip) = plan.place(of: number % loader.sets[set].sampleCount, sampleCounts: counts)
    }

    /// How many samples wait in the buffer.
    var bufferedSamples: Int { group?.waitingCount ?? 0 }

    /// The next sample; its bytes are a failure where they are damaged.
    ///
    /// - Throws: `missing`, `damaged` or `unreadable` where a shard cannot be opened, or is another.
    mutating func next() throws(LoadingError) -> Item {
        while true {
            if let item = group?.next() { return item }
            try startGroup()
        }
    }

    private mutating func startGroup() throws(LoadingError) {
        if nextGroup == plan.groups.count {
            pass += 1
            plan = loader.plan(set: set, pass: pass)
            nextGroup = 0
        }
        group = nil  // its files are closed before others are opened
        group = try OpenGroup(loader, set: set, pass: pass, number: nextGroup, plan.groups[nextGroup])
        for _ in 0..<samplesToSkip { _ = group?.next() }
        samplesToSkip = 0
        nextGroup += 1
    }

    /// The set's sample number `number`, without those around it: its shard is decompressed up to there.
    static func item(_ loader: ShardLoader, set: Int, number: Int) throws(LoadingError) -> Item {
        let shards = loader.sets[set]
        let pass = number / shards.sampleCount
        let plan = loader.plan(set: set, pass: pass)
        let (groupNumber, before) = plan.place(of: number % shards.sampleCount, sampleCounts: shards.sampleCounts)
        let group = try OpenGroup(loader, set: set, pass: pass, number: groupNumber, plan.groups[groupNumber])
        return group.item(before)
    }
}

/// A few shards that are read together.
private struct OpenGroup {
    private let pass: Int
    private let shards: [RawSamples]
    /// Of each shard, the places of its samples that are shown.
    private let places: [[ShardIndex.Place]]
    /// Which of the shard's samples these are, where that is not all of them.
    private let numbers: [[Int]]?
    private var walk: GroupWalk<Result<[UInt8], ShardError>>
    private let order: LoadingOrder
    private let chance: Chance

    init(_ loader: ShardLoader, set: Int, pass: Int, number: Int, _ shards: [Int]) throws(LoadingError) {
        self.pass = pass
        var (open, places): ([RawSamples], [[ShardIndex.Place]]) = ([], [])
        for shard in shards {
            let (samples, index) = try loader.sets[set].shards[shard].openSamples()
            open.append(samples)
            places.append(index.places)
        }
        numbers = loader.sets[set].keys.map { keys in
            places.map { places in places.indices.filter { keys.contains(places[$0].key) } }
        }
        if let numbers { places = zip(places, numbers).map { places, numbers in numbers.map { places[$0] } } }
        (self.shards, self.places, order) = (open, places, loader.order)
        chance = Chance(seed: loader.order.seed, .sampleOrder, set, pass, number)
        walk = GroupWalk(places.map { $0.map(\.length) }, order, chance)
    }

    var waitingCount: Int { walk.waitingCount }

    mutating func next() -> SetReader.Item? {
        let (shards, numbers) = (shards, numbers)
        let entry = walk.next { shard, number in
            Result { () throws(ShardError) in try shards[shard].bytes(of: numbers?[shard][number] ?? number) }
        }
        return entry.map { item($0.shard, $0.number, $0.payload) }
    }

    /// The sample that comes behind `before` others; nothing else is read.
    func item(_ before: Int) -> SetReader.Item {
        var walk = GroupWalk<Void>(places.map { $0.map(\.length) }, order, chance)
        for _ in 0..<before { _ = walk.next { _, _ in } }
        guard let entry = walk.next({ _, _ in }) else { preconditionFailure("a group has no sample \(before)") }
        let (shard, number) = (shards[entry.shard], entry.number)
        let stored = numbers?[entry.shard][number] ?? number
        return item(entry.shard, number, Result { () throws(ShardError) in try shard.bytes(of: stored) })
    }

    private func item(_ shard: Int, _ number: Int, _ bytes: Result<[UInt8], ShardError>) -> SetReader.Item {
        SetReader.Item(key: places[shard][number].key, pass: pass, shard: shards[shard].name, bytes: bytes)
    }
}

extension [PublishedShard] {
    /// How many samples of each are among `keys`.
    func counts(of keys: Set<String>) throws(LoadingError) -> [Int] {
        var counts: [Int] = []
        for shard in self {
            let (_, index) = try shard.openSamples()
            counts.append(index.places.count { keys.contains($0.key) })
        }
        return counts
    }
}

extension PublishedShard {
    /// Opens it, and sees that it holds as many samples as `dataset.json` says: positions are counted by it.
    fileprivate func openSamples() throws(LoadingError) -> (RawSamples, ShardIndex) {
        let file = try open()
        let (found, index): (RawSamples, ShardIndex)
        do throws(ShardError) {
            index = try ShardIndex(file)
            found = try RawSamples(file, index)
        } catch {
            guard error.code != .system else { throw LoadingError(.unreadable, file.name, error.detail) }
            throw LoadingError(.damaged, file.name, "\(error.detail); see pipeline verify")
        }
        guard index.places.count == samples else {
            throw LoadingError(
                .damaged, file.name, "holds \(index.places.count) samples, not the \(samples) of dataset.json")
        }
        return (found, index)
    }
}
