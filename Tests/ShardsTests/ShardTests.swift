import Digests
import Foundation
import RandomNumbers
import Samples
import Shards
import Testing

@Suite("A shard") struct ShardTests {
    private let samples = [0, 1, 511, 512, 513, 70_000, 300_000].enumerated().map {
        sample($0.offset, imageByteCount: $0.element)
    }

    @Test("gives back what was written, one by one and by key")
    func roundTrip() throws {
        try inFolder { folder throws in
            let path = folder + "/s"
            let summary = try write(samples, to: path)
            #expect(try readAll(path) == samples)
            for sample in samples { #expect(try ShardReader.sample(sample.key, in: path) == sample) }
            #expect(try ShardReader.sample("s-000000000099", in: path) == nil)
            #expect(try ShardIndex(path: path).places.map(\.key) == samples.map(\.key))
            #expect(try verifyShard(path) == summary)
            let bytes = try bytes(of: path)
            #expect(digest(of: bytes) == summary.sha256 && bytes.count == summary.byteCount)
        }
    }

    @Test("gives back samples of every size and text, at every level")
    func anySample() throws {
        for seed in 0..<22 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let samples = (0..<Int.random(in: 0...6, using: &random)).map { randomSample($0, using: &random) }
            try inFolder { folder throws in
                let summary = try write(samples, to: folder + "/s", level: Int(seed) + 1)
                try #require(try readAll(folder + "/s") == samples, "seed \(seed)")
                try #require(try verifyShard(folder + "/s") == summary, "seed \(seed)")
            }
        }
    }

    @Test("is the same bytes every time")
    func determinism() throws {
        try inFolder { folder throws in
            #expect(try write(samples, to: folder + "/a") == write(samples, to: folder + "/b"))
            #expect(FileManager.default.contentsEqual(atPath: folder + "/a", andPath: folder + "/b"))
        }
    }

    @Test("may hold no sample at all")
    func empty() throws {
        try inFolder { folder throws in
            #expect(try write([], to: folder + "/s").samples == 0)
            #expect(try readAll(folder + "/s").isEmpty)
            #expect(try verifyShard(folder + "/s").samples == 0)
        }
    }

    @Test("takes the kept captions for candidates where nothing was ranked, so that no list is empty")
    func noCandidates() {
        let kept = [ScoredCaption(text: "a dog", score: 0, origin: .human)]
        let metadata = SampleMetadata(
            key: "s-0", source: "s", url: "", width: 1, height: 1, originalWidth: 1, originalHeight: 1, sha256: "",
            webCaption: "", captions: kept)
        #expect(metadata.candidates == kept)
    }

    @Test(
        "refuses keys that loaders would split or hide",
        arguments: ["", "a.b", "a/b", "__a", "ü", "a b", String(repeating: "k", count: 91)])
    func keys(_ key: String) throws {
        #expect(try refusal { $0.key = key } == .key)
    }

    @Test("refuses a sample without captions, with a score that is no number, or of another kind of image")
    func refusedSamples() throws {
        #expect(try refusal { $0.captions = [] } == .sample)
        #expect(try refusal { $0.candidates = [] } == .sample)
        #expect(try refusal { $0.captions = [ScoredCaption(text: "", score: 0, origin: .web)] } == .sample)
        #expect(try refusal { $0.candidates = [ScoredCaption(text: "a", score: .nan, origin: .web)] } == .sample)
        #expect(try refusal { $0.captions = [ScoredCaption(text: "a", score: -.infinity, origin: .web)] } == .sample)
        #expect(try refusal(imageExtension: "gif") { _ in } == .sample)
        #expect(try refusal(imageExtension: "txt") { _ in } == .sample)
    }

    @Test("takes the longest key that a tar header holds, and goes on after a refusal as if it had not been")
    func refusalLeavesNoTrace() throws {
        try inFolder { folder throws in
            var long = samples[1].metadata
            long.key = String(repeating: "k", count: 90)
            let good = [samples[0], ShardSample(image: [1], imageExtension: "jpg", metadata: long)]
            let writer = try ShardWriter(path: folder + "/a", level: 3)
            try writer.append(good[0])
            let twice = #expect(throws: ShardError.self) { try writer.append(good[0]) }
            #expect(twice?.code == .key && twice?.detail.contains("already") == true)
            try writer.append(good[1])
            #expect(try writer.finish() == write(good, to: folder + "/b"))
        }
    }

    @Test("cannot be finished after a write that failed")
    func fullDisk() throws {
        let writer = try ShardWriter(path: "/dev/full", level: 3)
        let large = sample(1, imageByteCount: 300_000)
        let first = #expect(throws: ShardError.self) { try writer.append(large) }
        #expect(first?.description.hasPrefix("/dev/full: system: write: No space left") == true)
        let second = #expect(throws: ShardError.self) { try writer.append(sample(2, imageByteCount: 1)) }
        #expect(second?.detail == "an earlier write failed")
        let last = #expect(throws: ShardError.self) { try writer.finish() }
        #expect(last?.detail == "an earlier write failed")
    }

    @Test("appears under its final name in one step, over what was there, or not at all")
    func publishing() throws {
        try inFolder { folder throws in
            try write([samples[0]], to: folder + "/s")
            let summary = try write(samples, to: folder + "/s.partial")
            try publish(folder + "/s.partial", as: folder + "/s")
            #expect(try verifyShard(folder + "/s") == summary)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["s"])
            let missing = #expect(throws: ShardError.self) { try publish(folder + "/none", as: folder + "/s") }
            #expect(missing?.code == .system && missing?.path == folder + "/none")
            #expect(throws: ShardError.self) { try publish(folder + "/s", as: folder + "/no/such/folder") }
            #expect(try verifyShard(folder + "/s") == summary)
        }
    }

    /// The class of the error that a sample gets; nil where it is taken.
    private func refusal(
        imageExtension: String = "jpg", _ change: (inout SampleMetadata) -> Void
    ) throws -> ShardError.Code? {
        try inFolder { folder throws -> ShardError.Code? in
            var metadata = samples[0].metadata
            change(&metadata)
            let writer = try ShardWriter(path: folder + "/s", level: 3)
            do throws(ShardError) {
                try writer.append(ShardSample(image: [1], imageExtension: imageExtension, metadata: metadata))
                return nil
            } catch {
                return error.code
            }
        }
    }
}
