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
                #expect(Array(batch.pixels(of: sample)) == view(image).rgb)
                #expect(batch.pixels.count == 4 * view.side * view.side * 3)
                #expect(batch.numbers == 0..<4 && batch.count == 4 && batch.damaged.isEmpty)
                let caption = chosenCaptions(of: row % 3 + 1, limit: 1, position: place, seed: 1)[0]
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
        loader.transform.crop = .sides(atLeast: 1)
        #expect(try await Self.batches(loader, 12) == whole)
        loader.transform.crop = .sides(atLeast: 0.5)
        loader.transform.flips = true
        loader.transform.randAugment = RandAugment()
        let parts = try await Self.batches(loader, 12)
        loader.decoders = 1
        #expect(try await Self.batches(loader, 12) == parts)
        #expect(try await Self.batches(loader, after: 5, 3) == Array(parts[5..<8]))
        #expect(parts.flatMap(\.keys) == whole.flatMap(\.keys))
        // 48 samples, two passes over 24: most show something else than the whole, and than in the other pass.
        func shown(_ batches: [TrainingBatch]) -> [ArraySlice<UInt8>] {
            batches.flatMap { batch in (0..<batch.count).map { batch.pixels(of: $0) } }
        }
        let pixels = Dictionary(grouping: zip(parts.flatMap(\.keys), shown(parts)), by: \.0)
        #expect(zip(shown(parts), shown(whole)).count { $0 != $1 } > 30)
        #expect(pixels.values.count { $0.count == 2 && $0[0].1 != $0[1].1 } > 15)
    }

    @Test("gives processes their parts of the same batches, however many there are", arguments: [2, 3, 4])
    func processes(_ count: Int) async throws {
        let datasets = [try TestDataset([9, 8, 7], name: "a"), try TestDataset([4, 9], name: "b")]
        defer { for dataset in datasets { dataset.remove() } }
        let sets = datasets.map { LoadingSet(at: [$0.root], share: $0.name == "a" ? 2 : 1) }
        var loader = BatchLoader(
            try ShardLoader(sets, order: ShardLoaderTests.order()), batchSize: 4, transform: .blip2(side: 6))
        let whole = try await Self.batches(loader, 9)
        var parts: [[TrainingBatch]] = []
        for process in 0..<count {
            loader.process = ProcessRank(process, of: count)
            loader.decoders = process + 1
            // The second half is what another start of the run reads.
            let first = try await Self.batches(loader, 5)
            parts.append(first + (try await Self.batches(loader, after: 5, 4)))
        }
        for (step, batch) in whole.enumerated() {
            let split = parts.map { $0[step] }
            #expect(split.flatMap { Array($0.numbers) } == [0, 1, 2, 3])
            #expect(split.flatMap(\.keys) == batch.keys)
            #expect(split.flatMap(\.pixels) == batch.pixels)
            #expect(split.flatMap(\.captions) == batch.captions)
            #expect(split.flatMap(\.digests) == batch.digests)
            #expect(split.allSatisfy { $0.step == step + 1 })
        }
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

    @Test("replaces damaged samples and names them, the same for any number of processes")
    func damagedImages() async throws {
        let bad = [3, 8]
        let whole = try TestDataset([6, 6])
        let dataset = try TestDataset([6, 6]) { row in
            try bad.contains(row) ? Array(testImage(row).dropLast(30)) : testImage(row)
        }
        defer { for dataset in [whole, dataset] { dataset.remove() } }
        let expected = try await Self.batches(Self.loader(whole), 12)
        var loader = try Self.loader(dataset)
        let batches = try await Self.batches(loader, 9)
        let (keys, wholeKeys) = (batches.flatMap(\.keys), expected.flatMap(\.keys))
        var positions: [Int] = []
        for position in keys.indices {
            var source = position
            while bad.contains(try #require(Int(wholeKeys[source].suffix(12)))) {
                positions.append(source)
                source += 4
            }
            #expect(keys[position] == wholeKeys[source], "position \(position)")
        }
        let damaged = batches.flatMap(\.damaged)
        #expect(damaged.map(\.position) == positions && positions.count >= 6)
        for sample in damaged {
            #expect(sample.key == wholeKeys[sample.position])
            #expect(sample.error.code == .image && sample.error.detail.hasPrefix(sample.key + ": damaged"))
        }
        var parts: [[TrainingBatch]] = []
        for process in 0..<2 {
            loader.process = ProcessRank(process, of: 2)
            parts.append(try await Self.batches(loader, 9))
        }
        for (step, batch) in batches.enumerated() {
            #expect(parts.flatMap { $0[step].keys } == batch.keys)
            #expect(parts.flatMap { $0[step].pixels } == batch.pixels)
        }
    }

    @Test("gives every batch before the damaged sample that is one too many, then the error, each time it is asked")
    func damageLimit() async throws {
        let dataset = try TestDataset([6, 6]) { row in
            try row == 8 ? Array(testImage(row).dropLast(30)) : testImage(row)
        }
        defer { dataset.remove() }
        var loader = try Self.loader(dataset)
        let order = try ShardLoaderTests.keys(loader.loader, 24)
        let places = order.indices.filter { order[$0] == dataset.keys[8] }
        for limit in 0...1 {
            (loader.damageLimit, loader.batchesAhead, loader.decoders) = (limit, 1, 1)
            try await loader.withBatches(after: 0) { next in
                for step in 0..<(places[limit] / 4) {
                    let batch = try await next()
                    #expect(batch.step == step + 1)
                }
                for _ in 0..<2 {
                    let error = await #expect(throws: LoadingError.self) { _ = try await next() }
                    #expect(error?.code == .tooManyDamaged && error?.path == dataset.shardPath(1))
                    #expect(error?.detail.hasPrefix(dataset.keys[8] + ": damaged") == true)
                }
            }
        }
    }

    @Test("shows the captions that are asked for, cleaned before they are tokenized")
    func captionChoice() async throws {
        let dataset = try TestDataset([6, 6])
        defer { dataset.remove() }
        var loader = try Self.loader(dataset)
        loader.captionChoice = .best
        loader.clean = { $0.uppercased() }
        loader.tokenize = { [$0.utf8.count] }
        for batch in try await Self.batches(loader, 3) {
            let best = batch.keys.map { "CAPTION 0 OF \(Int($0.suffix(12)) ?? -1)" }
            #expect(batch.captions == best.map { [$0] })
            #expect(batch.tokens == best.map { [[$0.utf8.count]] })
        }
        loader.captionChoice = .web
        for batch in try await Self.batches(loader, 3) {
            #expect(batch.captions == batch.keys.map { ["WEB \(Int($0.suffix(12)) ?? -1)"] })
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

    @Test("shows every caption of a sample about as often as the others, another in another pass")
    func captions() {
        var counts = [0, 0, 0]
        var changes = 0
        for position in 0..<3000 {
            let chosen = chosenCaptions(of: 3, limit: 2, position: position, seed: 9)
            #expect(Set(chosen).count == 2)
            let first = chosen[0]
            counts[first] += 1
            if chosenCaptions(of: 3, limit: 1, position: position + 3000, seed: 9) != [first] { changes += 1 }
        }
        #expect(counts.allSatisfy { (900...1100).contains($0) }, "\(counts)")
        #expect((1850...2150).contains(changes))
        #expect(chosenCaptions(of: 1, limit: 5, position: 0, seed: 9) == [0])
    }
}
