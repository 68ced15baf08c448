import Foundation
import Locks
import Shards
import Storage
import TestSupport
import Testing

@testable import Loading

@Suite("The shard loader") struct ShardLoaderTests {
    /// An order of small groups and a small buffer, so that few samples show everything.
    static func order(seed: UInt64 = 1, shards: Int = 3, samples: Int = 5) -> LoadingOrder {
        var order = LoadingOrder(seed: seed)
        (order.interleavedShards, order.bufferedSamples) = (shards, samples)
        return order
    }

    static func keys(_ loader: ShardLoader, from position: Int = 0, _ count: Int) throws -> [String] {
        let stream = loader.samples(from: position)
        return try (0..<count).map { _ in try stream.next().key }
    }

    static let counts = [7, 1, 12, 0, 9, 4, 10, 2]

    @Test("gives the same order twice, another for another seed, buffer or number of shards read together")
    func reproducible() throws {
        let dataset = try TestDataset(Self.counts)
        defer { dataset.remove() }
        func keys(_ order: LoadingOrder) throws -> [String] {
            try Self.keys(ShardLoader(directories: [dataset.root], order: order), 90)
        }
        let first = try keys(Self.order())
        #expect(try keys(Self.order()) == first)
        for other in [Self.order(seed: 2), Self.order(shards: 2), Self.order(samples: 6)] {
            #expect(try keys(other) != first)
        }
    }

    @Test("gives the same from a store that has no paths, reading in ranges alone")
    func elsewhere() throws {
        let dataset = try TestDataset(Self.counts)
        let (store, order) = (MemoryStore(), Self.order())
        try store.copy(DirectoryStore(dataset.root))
        let here = try ShardLoader(directories: [dataset.root], order: order)
        let keys = try Self.keys(here, 90)
        dataset.remove()
        let there = try ShardLoader([Dataset(store)], order: order)
        #expect(try Self.keys(there, 90) == keys)
        #expect(there.fingerprint == here.fingerprint)
        #expect(store.calls.withLock { $0["list"] } == nil)
    }

    @Test("gives every sample exactly once an epoch, in another order each, with its captions")
    func epochs() throws {
        let datasets = [try TestDataset(Self.counts), try TestDataset([3, 3], name: "t")]
        defer { for dataset in datasets { dataset.remove() } }
        let loader = try ShardLoader(directories: datasets.map(\.root), order: Self.order())
        #expect(loader.sampleCount == 51)
        let stream = loader.samples(from: 0)
        var orders: Set<[String]> = []
        for epoch in 0..<3 {
            let samples = try (0..<51).map { _ in try stream.next() }
            #expect(samples.map(\.key).sorted() == datasets.flatMap(\.keys).sorted())
            #expect(samples.allSatisfy { $0.pass == epoch })
            for sample in samples {
                let row = try #require(Int(sample.key.suffix(12)))
                #expect(sample.captions == (0...(row % 3)).map { "caption \($0) of \(row)" })
                #expect(sample.image == (try testImage(row)))
            }
            orders.insert(samples.map(\.key))
        }
        #expect(orders.count == 3)
    }

    @Test("goes on from every position as if it had never stopped")
    func resumption() throws {
        let dataset = try TestDataset(Self.counts)
        defer { dataset.remove() }
        let loader = try ShardLoader(directories: [dataset.root], order: Self.order())
        let whole = try Self.keys(loader, 2 * loader.sampleCount + 5)
        for position in whole.indices {
            let tail = whole[position...].prefix(20)
            #expect(try Self.keys(loader, from: position, tail.count) == Array(tail), "from \(position)")
        }
    }

    @Test("holds no more samples, and but one more image in bytes, than it may")
    func memory() throws {
        let dataset = try TestDataset([30, 30, 30])
        defer { dataset.remove() }
        let sampleByteCount = try ShardIndex(path: dataset.shardPath(0)).places[0].length
        var order = Self.order(samples: 8)
        let stream = try ShardLoader(directories: [dataset.root], order: order).samples(from: 0)
        for _ in 0..<200 {
            _ = try stream.next()
            #expect(stream.bufferedSamples < 8)
        }
        (order.bufferedSamples, order.bufferedBytes) = (1000, 4 * sampleByteCount)
        let small = try ShardLoader(directories: [dataset.root], order: order).samples(from: 0)
        var most = 0
        for _ in 0..<200 {
            _ = try small.next()
            most = max(most, small.bufferedSamples)
        }
        #expect((2...5).contains(most))
    }

    @Test("mixes the shards that are read together")
    func mixing() throws {
        let dataset = try TestDataset([20, 20, 20, 20])
        defer { dataset.remove() }
        let loader = try ShardLoader(directories: [dataset.root], order: Self.order(shards: 4, samples: 40))
        let first = try Self.keys(loader, 20).compactMap { Int($0.suffix(12)).map { $0 / 20 } }
        for shard in 0..<4 { #expect(first.count { $0 == shard } >= 2, "\(first)") }
    }

    @Test("finds the sample at any position by itself")
    func single() throws {
        let dataset = try TestDataset(Self.counts)
        defer { dataset.remove() }
        let loader = try ShardLoader(directories: [dataset.root], order: Self.order())
        let keys = try Self.keys(loader, 100)
        for position in stride(from: 0, to: 100, by: 7) {
            let sample = try loader.sample(at: position)
            #expect(sample.key == keys[position] && sample.position == position)
            #expect(try sample.content().key == keys[position])
        }
    }

    @Test("shows every sample of a set once a pass, and each set by its share", arguments: [1, 6])
    func shares(_ unit: Int) throws {
        let (large, small) = (try TestDataset([20, 20, 20], name: "l"), try TestDataset([5, 6], name: "s"))
        defer { for dataset in [large, small] { dataset.remove() } }
        var order = Self.order()
        if unit > 1 { order.mixing = .batches(of: unit) }
        let loader = try ShardLoader(
            [LoadingSet(at: [large.root], share: 3), LoadingSet(at: [small.root], share: 1)], order: order)
        let stream = loader.samples(from: 0)
        let samples = try (0..<480).map { _ in try stream.next() }
        #expect((116...124).contains(samples.count { $0.set == 1 } / unit * unit))
        for (set, dataset) in [large, small].enumerated() {
            let shown = samples.filter { $0.set == set }
            for pass in 0..<(shown.count / dataset.keys.count) {
                let keys = shown[pass * dataset.keys.count..<(pass + 1) * dataset.keys.count].map(\.key)
                #expect(keys.sorted() == dataset.keys.sorted(), "set \(set), pass \(pass)")
            }
        }
        for start in stride(from: 0, to: 480, by: unit) {
            #expect(Set(samples[start..<start + unit].map(\.set)).count == 1, "at \(start)")
        }
        for position in [0, 1, 5, 6, 7, 100, 333, 479] {
            let rest = loader.samples(from: position)
            for sample in samples[position...].prefix(12) { #expect(try rest.next() == sample, "from \(position)") }
        }
    }

    @Test("takes a set's size as its share where it has none: passes over all sets take as long")
    func sizes() throws {
        let (large, small) = (try TestDataset([20, 20, 20], name: "l"), try TestDataset([5, 7], name: "s"))
        defer { for dataset in [large, small] { dataset.remove() } }
        let loader = try ShardLoader(
            [LoadingSet(at: [large.root], share: nil), LoadingSet(at: [small.root], share: nil)], order: Self.order())
        let stream = loader.samples(from: 0)
        let samples = try (0..<720).map { _ in try stream.next() }
        #expect((118...122).contains(samples.count { $0.set == 1 }))
    }

    @Test("knows by its fingerprint whether a position means the same sample, wherever the data set lies")
    func fingerprint() throws {
        let (dataset, copy, other) = (try TestDataset([3, 4]), try TestDataset([3, 4]), try TestDataset([3, 5]))
        defer { for dataset in [dataset, copy, other] { dataset.remove() } }
        func print(_ dataset: TestDataset, seed: UInt64) throws -> String {
            try ShardLoader(directories: [dataset.root], order: Self.order(seed: seed)).fingerprint
        }
        #expect(try print(dataset, seed: 1) == print(copy, seed: 1))
        #expect(try print(dataset, seed: 1) != print(dataset, seed: 2))
        #expect(try print(dataset, seed: 1) != print(other, seed: 1))
    }
}

@Suite("The shard loader, given what is no data set,") struct ShardLoaderFaultTests {
    private func error(_ body: () throws -> Void) throws -> LoadingError {
        try #require(try #require(throws: (any Error).self, performing: body) as? LoadingError)
    }

    @Test("says which folder or shard is missing, empty or cut off")
    func missing() throws {
        let dataset = try TestDataset([3, 4])
        let empty = try TestDataset([0])
        defer { for dataset in [dataset, empty] { dataset.remove() } }
        func load(_ path: String) throws -> LoadingError {
            try error { _ = try ShardLoader(directories: [path], order: ShardLoaderTests.order()) }
        }
        let noDataset = try load(dataset.root + "/shards")
        #expect((noDataset.code, noDataset.path) == (.dataset, dataset.root + "/shards/dataset.json"))
        #expect(try load(empty.root).code == .empty)

        let path = dataset.shardPath(1)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try bytes.dropLast(10).write(to: URL(fileURLWithPath: path))
        let cut = try load(dataset.root)
        #expect((cut.code, cut.path) == (.damaged, path))
        try FileManager.default.removeItem(atPath: path)
        let missing = try load(dataset.root)
        #expect((missing.code, missing.path) == (.missing, path))
        #expect(missing.description.hasPrefix(path + ": missing: "))
    }

    @Test("names a damaged sample and goes on behind it, at the same positions as without damage")
    func damaged() throws {
        let dataset = try TestDataset([40, 40, 40])
        defer { dataset.remove() }
        let loader = try ShardLoader(
            directories: [dataset.root], order: ShardLoaderTests.order(shards: 2, samples: 7))
        let whole = try ShardLoaderTests.keys(loader, 240)
        let path = dataset.shardPath(2)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for place in bytes.count / 3..<bytes.count / 2 { bytes[place] ^= 0x55 }
        try bytes.write(to: URL(fileURLWithPath: path))
        let stream = loader.samples(from: 0)
        var damaged = 0
        for key in whole {
            do {
                #expect(try stream.next().key == key)
            } catch {
                #expect((error.code, error.path) == (.sample, path))
                #expect(error.detail.hasPrefix(key + ": "), "\(error)")
                damaged += 1
            }
        }
        #expect((2...80).contains(damaged))
    }

    @Test("stops where a shard holds another number of samples than is said", arguments: [2, 4])
    func miscounted(_ said: Int) throws {
        let dataset = try TestDataset([3, 3])
        defer { dataset.remove() }
        let output = OutputDirectory(dataset.root)
        var description = try output.dataset.readDescription()
        let first = description.shards[0]
        description.shards[0] = .init(
            name: first.name, source: first.source, samples: said, bytes: first.bytes, sha256: first.sha256,
            tableBytes: nil, tableSHA256: nil)
        try output.write(description.json(), to: "dataset.json")
        let loader = try ShardLoader(directories: [dataset.root], order: ShardLoaderTests.order())
        let fault = try error { _ = try ShardLoaderTests.keys(loader, 10) }
        #expect((fault.code, fault.path) == (.damaged, dataset.shardPath(0)))
    }
}
