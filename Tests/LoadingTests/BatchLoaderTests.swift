import Images
import TestSupport
import Testing

@testable import Loading

@Suite("The batch loader") struct BatchLoaderTests {
    private static func batches(_ loader: BatchLoader, after step: Int = 0, _ count: Int) async throws
        -> [TrainingBatch]
    {
        try await loader.withBatches(after: step) { next in
            var batches: [TrainingBatch] = []
            for _ in 0..<count { batches.append(try await next()) }
            return batches
        }
    }

    private static func loader(_ dataset: TestDataset, view: ImageView = .squashed(side: 4)) throws -> BatchLoader {
        BatchLoader(
            try ShardLoader(directories: [dataset.root], order: ShardLoaderTests.order()), batchSize: 4, view: view)
    }

    @Test("gives full batches over the ends of epochs, in the loader's order, decoded and viewed")
    func content() async throws {
        let dataset = try TestDataset([7, 1, 3])
        defer { dataset.remove() }
        for view in [ImageView.squashed(side: 4), .shortestSideCropped(side: 6)] {
            var loader = try Self.loader(dataset, view: view)
            loader.tokenize = { $0.utf8.map(Int.init) }
            let batches = try await Self.batches(loader, 7)
            #expect(batches.map(\.step) == Array(1...7))
            #expect(try batches.flatMap(\.keys) == ShardLoaderTests.keys(loader.loader, 28))
            for (place, key) in batches.flatMap(\.keys).enumerated() {
                let row = try #require(Int(key.suffix(12)))
                let image = try decode(testImage(row), maxPixels: 1000)
                let (batch, sample) = (batches[place / 4], place % 4)
                #expect(batch.pixels[sample] == view(image).rgb)
                #expect(batch.pixels[sample].count == view.side * view.side * 3)
                let caption = chosenCaptions(
                    of: row % 3 + 1, limit: 1, key: key, epoch: place / 11, seed: 1)[0]
                #expect(batch.captions[sample] == ["caption \(caption) of \(row)"])
                #expect(batch.tokens[sample] == ["caption \(caption) of \(row)".utf8.map(Int.init)])
            }
        }
    }

    @Test("gives the same batches however many tasks decode, and however far ahead")
    func parallelism() async throws {
        let dataset = try TestDataset([9, 8, 7])
        defer { dataset.remove() }
        var loader = try Self.loader(dataset)
        (loader.decoders, loader.batchesAhead) = (1, 1)
        let alone = try await Self.batches(loader, 15)
        for (decoders, ahead) in [(2, 1), (3, 2), (16, 5)] {
            (loader.decoders, loader.batchesAhead) = (decoders, ahead)
            #expect(try await Self.batches(loader, 15) == alone)
        }
    }

    @Test("shows a part of each image, another one in each epoch, the same in every run")
    func crops() async throws {
        let dataset = try TestDataset([9, 8, 7])
        defer { dataset.remove() }
        var loader = try Self.loader(dataset, view: .squashed(side: 8))
        let whole = try await Self.batches(loader, 12)
        loader.crop = RandomCrop(scale: 1)
        #expect(try await Self.batches(loader, 12) == whole)
        loader.crop = RandomCrop(scale: 0.5)
        let parts = try await Self.batches(loader, 12)
        loader.decoders = 1
        #expect(try await Self.batches(loader, 12) == parts)
        #expect(try await Self.batches(loader, after: 5, 3) == Array(parts[5..<8]))
        #expect(parts.flatMap(\.keys) == whole.flatMap(\.keys))
        // 48 samples, two epochs of 24: most show something else than the whole, and than in the other epoch.
        let pixels = Dictionary(grouping: zip(parts.flatMap(\.keys), parts.flatMap(\.pixels)), by: \.0)
        #expect(zip(parts.flatMap(\.pixels), whole.flatMap(\.pixels)).count { $0 != $1 } > 30)
        #expect(pixels.values.count { $0.count == 2 && $0[0].1 != $0[1].1 } > 15)
    }

    @Test("a random part has at least the share of each side that was asked for")
    func cropSizes() throws {
        let image = PixelImage(width: 50, height: 20, rgb: (0..<3000).map { UInt8($0 % 251) })
        var sizes: Set<Int> = []
        for epoch in 0..<200 {
            let part = RandomCrop(scale: 0.8)(image, key: "s-000000000001", epoch: epoch, seed: 3)
            #expect((40...50).contains(part.width) && (16...20).contains(part.height))
            #expect(part.rgb.count == part.width * part.height * 3)
            sizes.insert(part.width)
        }
        #expect(sizes.count == 11)
    }

    @Test("goes on behind any step as if it had never stopped")
    func resumption() async throws {
        let dataset = try TestDataset([5, 4, 2])
        defer { dataset.remove() }
        let loader = try Self.loader(dataset)
        let whole = try await Self.batches(loader, 9)
        for step in 0..<9 {
            #expect(try await Self.batches(loader, after: step, 9 - step) == Array(whole[step...]))
        }
    }

    @Test("gives every batch before a damaged image, then the error with shard and key, each time it is asked")
    func damagedImage() async throws {
        let dataset = try TestDataset([6, 6]) { row in
            try row == 8 ? Array(testImage(row).dropLast(30)) : testImage(row)
        }
        defer { dataset.remove() }
        let loader = try Self.loader(dataset)
        let order = try ShardLoaderTests.keys(loader.loader, 12)
        let place = try #require(order.firstIndex(of: dataset.keys[8]))
        for _ in 0..<5 {
            try await loader.withBatches(after: 0) { next in
                for step in 0..<(place / 4) {
                    let batch = try await next()
                    #expect(batch.step == step + 1)
                }
                for _ in 0..<2 {
                    let error = await #expect(throws: LoadingError.self) { _ = try await next() }
                    #expect(error?.code == .image)
                    #expect(error?.path == dataset.shardPath(1))
                    #expect(error?.detail.hasPrefix(dataset.keys[8] + ": damaged") == true)
                }
            }
        }
    }

    @Test("ends when its body throws, or is left early")
    func leaving() async throws {
        struct Stop: Error {}
        let dataset = try TestDataset([9, 9])
        defer { dataset.remove() }
        let loader = try Self.loader(dataset)
        await #expect(throws: Stop.self) {
            try await loader.withBatches(after: 0) { next in
                _ = try await next()
                throw Stop()
            }
        }
        #expect(try await loader.withBatches(after: 3) { _ in 5 } == 5)
    }

    @Test("shows every caption of a sample about as often as the others, another in another epoch")
    func captions() {
        var counts = [0, 0, 0]
        var changes = 0
        for row in 0..<3000 {
            let chosen = chosenCaptions(of: 3, limit: 2, key: "s-\(row)", epoch: 0, seed: 9)
            #expect(Set(chosen).count == 2)
            let first = chosen[0]
            counts[first] += 1
            if chosenCaptions(of: 3, limit: 1, key: "s-\(row)", epoch: 1, seed: 9) != [first] { changes += 1 }
        }
        #expect(counts.allSatisfy { (900...1100).contains($0) }, "\(counts)")
        #expect((1850...2150).contains(changes))
        #expect(chosenCaptions(of: 1, limit: 5, key: "s-0", epoch: 7, seed: 9) == [0])
    }
}
