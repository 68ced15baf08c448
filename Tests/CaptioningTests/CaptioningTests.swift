import Captioning
import Decoding
import Foundation
import Images
import Locks
import RandomNumbers
import Stages
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("Captioner and ranker over model directories")
struct CaptioningTests {
    /// Images of one colour each, so that they are told apart.
    static func requests(_ count: Int, side: Int) -> [CaptionRequest] {
        (0..<count).map { number in
            let pixel = [UInt8(40 * number % 256), UInt8(90 * number % 256), UInt8((255 - 30 * number) & 255)]
            return CaptionRequest(
                key: "sample-\(number)", pixels: [[UInt8]](repeating: pixel, count: side * side).flatMap { $0 })
        }
    }

    private func withModels<Value>(_ body: (_ blip: String, _ clip: String) async throws -> Value) async throws -> Value
    {
        let folder = try Project.temporaryFolder("models")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try RandomCheckpoint.writeBLIP(to: folder + "/blip", seed: 1)
        try RandomCheckpoint.writeCLIP(to: folder + "/clip", seed: 2)
        return try await body(folder + "/blip", folder + "/clip")
    }

    @Test("a random checkpoint captions with ordinary words, after its prompt's tokens")
    func words() async throws {
        try await withModels { blip, _ in
            let captioner = try BLIPCaptioner(
                directory: blip, seed: 42, precision: .float32, engines: EnginePool())
            let made = try await captioner.caption(Self.requests(2, side: captioner.view.side), count: 10)
            #expect(made.map(\.count) == [10, 10])
            for caption in made.flatMap({ $0 }) {
                #expect(!caption.text.isEmpty)
                #expect(!caption.text.contains("["))
                #expect(!caption.text.contains("picture of"), "the prompt is no part of the text")
                #expect(caption.tokens.count > 4 && caption.tokens.count <= 20)
                #expect(Array(caption.tokens.prefix(4)) == Array(made[0][0].tokens.prefix(4)))
                #expect(caption.logprob < 0)
            }
            #expect(Set(made.flatMap { $0 }.map(\.text)).count > 15)
        }
    }

    @Test("captions depend on seed, key and number only: not on batch, count or the number of engines")
    func independence() async throws {
        try await withModels { blip, _ in
            func captioner(_ seed: UInt64, engines: Int) throws -> BLIPCaptioner {
                try BLIPCaptioner(
                    directory: blip, seed: seed, precision: .float32, engines: EnginePool(engineCount: engines))
            }
            let requests = Self.requests(5, side: try captioner(0, engines: 1).view.side)
            let all = try await captioner(42, engines: 1).caption(requests, count: 4)
            #expect(try await captioner(42, engines: 3).caption(requests, count: 4) == all)
            for (number, request) in requests.enumerated() {
                #expect(try await captioner(42, engines: 2).caption([request], count: 4)[0] == all[number])
            }
            let fewer = try await captioner(42, engines: 1).caption(requests, count: 2)
            #expect(fewer.map { $0.map(\.tokens) } == all.map { $0.prefix(2).map(\.tokens) })
            #expect(try await captioner(43, engines: 1).caption(requests, count: 4) != all)
            let renamed = CaptionRequest(key: "other", pixels: requests[0].pixels)
            #expect(try await captioner(42, engines: 1).caption([renamed], count: 4)[0] != all[0])
        }
    }

    @Test("captions and scores have the same bits in whatever order and batches the images come")
    func shuffled() async throws {
        try await withModels { blip, clip in
            let engines = EnginePool(engineCount: 2)
            let captioner = try BLIPCaptioner(directory: blip, seed: 42, precision: .float32, engines: engines)
            let ranker = try CLIPRanker(directory: clip, precision: .float32, engines: engines)
            let requests = Self.requests(9, side: captioner.view.side)
            let judged = Self.requests(9, side: ranker.view.side).enumerated().map { number, request in
                RankRequest(
                    key: request.key, pixels: request.pixels, captions: ["a red square", "two dogs", "\(number)"])
            }
            let captions = try await captioner.caption(requests, count: 3)
            let scores = try await ranker.score(judged)
            for seed in 0..<4 as Range<UInt64> {
                var random = SplitMix64(seed: seed)
                var left = requests.indices.shuffled(using: &random)
                while !left.isEmpty {
                    let batch = left.prefix(Int.random(in: 1...4, using: &random))
                    left.removeFirst(batch.count)
                    #expect(
                        try await captioner.caption(batch.map { requests[$0] }, count: 3) == batch.map { captions[$0] })
                    #expect(try await ranker.score(batch.map { judged[$0] }) == batch.map { scores[$0] })
                }
            }
        }
    }

    @Test("tells of every token that it makes")
    func moves() async throws {
        try await withModels { blip, clip in
            let captioner = try BLIPCaptioner(directory: blip, seed: 42, precision: .float32, engines: EnginePool())
            let count = Locked(0)
            let made = try await captioner.caption(Self.requests(1, side: captioner.view.side), count: 2) {
                count.withLock { $0 += 1 }
            }
            let longest = made[0].map(\.tokens.count).max() ?? 0
            #expect(count.withLock { $0 } >= longest - 4)
        }
    }

    @Test("scores are cosines, the same alone and in a batch, and the same for equal captions")
    func scores() async throws {
        try await withModels { _, clip in
            let ranker = try CLIPRanker(directory: clip, precision: .float32, engines: EnginePool(engineCount: 2))
            let captions = [
                "a red square", "two blue circles on grass", "a red square", "A  RED square", "zebra &amp; co",
            ]
            let requests = Self.requests(4, side: ranker.view.side).map {
                RankRequest(key: $0.key, pixels: $0.pixels, captions: captions)
            }
            let scores = try await ranker.score(requests)
            for (number, row) in scores.enumerated() {
                #expect(row.count == captions.count)
                #expect(row.allSatisfy { abs($0) <= 1.000001 })
                #expect(row[0] == row[2] && row[0] == row[3])
                #expect(row[0] != row[1])
                #expect(try await ranker.score([requests[number]])[0] == row)
            }
            let one = RankRequest(key: "x", pixels: requests[0].pixels, captions: [captions[1]])
            #expect(abs(try await ranker.score([one])[0][0] - scores[0][1]) < 1e-5)
            let none = RankRequest(key: "x", pixels: requests[0].pixels, captions: [])
            #expect(try await ranker.score([none]) == [[]])
        }
    }

    @Test("a caption much longer than the context is scored, not refused")
    func longCaption() async throws {
        try await withModels { _, clip in
            let ranker = try CLIPRanker(directory: clip, precision: .float32, engines: EnginePool())
            let image = Self.requests(1, side: ranker.view.side)[0].pixels
            let long = String(repeating: "a large red circle ", count: 60)
            let score = try await ranker.score([RankRequest(key: "x", pixels: image, captions: [long, "a"])])
            #expect(score[0].count == 2)
        }
    }

    @Test("bfloat16 runs")
    func bfloat16() async throws {
        try await withModels { blip, clip in
            let engines = EnginePool()
            let captioner = try BLIPCaptioner(directory: blip, seed: 1, precision: .bfloat16, engines: engines)
            let made = try await captioner.caption(Self.requests(1, side: captioner.view.side), count: 3)
            let ranker = try CLIPRanker(directory: clip, precision: .bfloat16, engines: engines)
            let request = RankRequest(
                key: "x", pixels: Self.requests(1, side: ranker.view.side)[0].pixels, captions: made[0].map(\.text))
            #expect(try await ranker.score([request])[0].count == 3)
        }
    }

    @Test(
        "with heads as wide as the released models', captions and scores depend on no neighbour, bit for bit",
        .enabled(if: Precision.int8.obstacle(on: .cpu) == nil), arguments: [Precision.bfloat16, .int8])
    func kernels(precision: Precision) async throws {
        let folder = try Project.temporaryFolder("wide")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (blip, clip) = (RandomCheckpoint.Size.smallBLIP, RandomCheckpoint.Size.smallCLIP)
        (blip.visionHeads, blip.textHeads, clip.visionHeads, clip.textHeads) = (1, 1, 1, 1)
        try RandomCheckpoint.writeBLIP(blip, to: folder + "/blip", seed: 1)
        try RandomCheckpoint.writeCLIP(clip, to: folder + "/clip", seed: 2)
        func captioner(engines: Int) throws -> BLIPCaptioner {
            try BLIPCaptioner(
                directory: folder + "/blip", seed: 1, precision: precision, engines: EnginePool(engineCount: engines))
        }
        let requests = Self.requests(4, side: try captioner(engines: 1).view.side)
        let all = try await captioner(engines: 1).caption(requests, count: 10)
        #expect(try await captioner(engines: 3).caption(requests, count: 10) == all)
        #expect(try await captioner(engines: 2).caption([requests[2]], count: 10)[0] == all[2])

        func scores(_ precision: Precision) async throws -> [[Double]] {
            let ranker = try CLIPRanker(
                directory: folder + "/clip", precision: precision, engines: EnginePool(engineCount: 2))
            let images = Self.requests(4, side: ranker.view.side)
            return try await ranker.score(
                images.map { RankRequest(key: $0.key, pixels: $0.pixels, captions: ["a red square", "two dogs"]) })
        }
        let (made, exact) = (try await scores(precision), try await scores(.float32))
        for (row, wanted) in zip(made, exact) {
            for (score, wanted) in zip(row, wanted) { #expect(abs(score - wanted) < 0.03) }
        }
    }

    @Test("greedy captions are all the same, and need no seed")
    func greedy() async throws {
        try await withModels { blip, _ in
            let sampling = SamplingOptions(greedy: true)
            let requests = Self.requests(2, side: 96)
            let one = try await BLIPCaptioner(directory: blip, sampling: sampling, seed: 1, engines: EnginePool())
                .caption(requests, count: 3)
            let other = try await BLIPCaptioner(directory: blip, sampling: sampling, seed: 2, engines: EnginePool())
                .caption(requests, count: 3)
            #expect(one == other)
            #expect(one.allSatisfy { Set($0.map(\.text)).count == 1 && $0.count == 3 })
        }
    }
}
