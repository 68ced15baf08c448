import Testing

@testable import Loading

@Suite("Samples that are left out by their keys") struct ShownKeysTests {
    private func loader(_ data: TestDataset, _ keys: Set<String>?) throws -> ShardLoader {
        var set = LoadingSet(at: [data.root])
        set.keys = keys
        return try ShardLoader([set], order: LoadingOrder(seed: 4))
    }

    @Test("are in no pass, and each of the others is in each pass once; any position can be entered")
    func passes() throws {
        let data = try TestDataset([7, 3, 6, 5])
        defer { data.remove() }
        let shown = Set(
            data.keys.enumerated().filter { $0.offset % 3 != 1 && !(7..<10).contains($0.offset) }.map(\.element))
        let loader = try loader(data, shown)
        #expect(loader.sampleCount == shown.count)
        let samples = loader.samples(from: 0)
        let all = try (0..<2 * shown.count).map { _ in try samples.next() }
        for pass in [all.prefix(shown.count), all.suffix(shown.count)] {
            #expect(pass.map(\.key).sorted() == shown.sorted())
        }
        for start in [1, 5, shown.count, shown.count + 2] {
            let later = loader.samples(from: start)
            for position in start..<min(start + 4, all.count) { #expect(try later.next() == all[position]) }
            #expect(try loader.sample(at: start).content() == all[start])
        }
    }

    @Test("make another order, and none at all is refused")
    func fingerprint() throws {
        let data = try TestDataset([4])
        defer { data.remove() }
        let prints = try [nil, Set(data.keys), Set(data.keys.dropLast())].map { try loader(data, $0).fingerprint }
        #expect(Set(prints).count == 3)
        let error = #expect(throws: LoadingError.self) { _ = try loader(data, ["x-0"]) }
        #expect(error?.code == .empty)
    }

    @Test("questions are shown in place of captions, by set, key and pass")
    func questions() async throws {
        let data = try TestDataset([4])
        defer { data.remove() }
        var batches = BatchLoader(try loader(data, nil), batchSize: 2, transform: ImageTransform(side: 8))
        batches.ask = { set, key, pass in
            ShownQuestion(
                "\(key) in \(set)?", [.init("pass \(pass)", share: 0.75), .init("no", share: 0.25)], weight: 0.5)
        }
        let made = try await batches.withBatches(after: 1) { next in [try await next(), try await next()] }
        for (batch, pass) in zip(made, [0, 1]) {
            #expect(batch.questions.map(\.text) == batch.keys.map { "\($0) in 0?" })
            #expect(batch.captions == [["pass \(pass)", "no"], ["pass \(pass)", "no"]])
            #expect(batch.distinct.questions == batch.questions)
        }
    }

    @Test("a question is cleaned as BLIP's are: marks go, a question mark and commas stay")
    func cleaning() {
        #expect(blipQuestion("What IS (the) \"cat's\" colour; big, red?  ") == "what is the cat's colour big, red?")
        #expect(blipQuestion(Array(repeating: "a", count: 60).joined(separator: " ")).count == 99)
    }
}
