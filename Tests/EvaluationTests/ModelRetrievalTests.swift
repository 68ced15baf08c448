import BLIP2Models
import Captioning
import Foundation
import Images
import Layers
import Locks
import ModelFolders
import RandomNumbers
import Samples
import Shards
import Storage
import Tensors
import TestSupport
import Testing

@testable import Evaluation

@Suite("Retrieval by a phase-1 model")
struct ModelRetrievalTests {
    /// A golden of `Tests/Goldens/make_blip2_goldens.py`, or `blip2_stage1` of the folder that GOLDENS names.
    static let goldens: [String] =
        ProcessInfo.processInfo.environment["GOLDENS"].map { [$0 + "/blip2_stage1"] }
        ?? ["even", "odd"].map { Project.root + "/Tests/Goldens/blip2/" + $0 }

    private func model(_ directory: String) throws -> PhaseOneModel {
        let json = try Data(contentsOf: URL(fileURLWithPath: directory + "/config.json"))
        return try PhaseOneModel(
            BLIP2Configuration(json: json), Weights(Checkpoint(directory: directory), DType.float32, on: .cpu),
            for: .retrieval)
    }

    private func texts(_ golden: Checkpoint) throws -> [[Int]] {
        let (ids, mask) = (try golden.tensor("input_ids"), try golden.tensor("attention_mask"))
        let (values, kept, width) = (try ids.integers(), try mask.integers(), ids.shape[1])
        return (0..<ids.shape[0]).map { row in
            (0..<width).filter { kept[row * width + $0] == 1 }.map { values[row * width + $0] }
        }
    }

    @Test("similarities and logits of matching are transformers' within 1e-5 and 1e-4", arguments: goldens)
    func parity(directory: String) throws {
        let (model, golden) = (try model(directory), try Checkpoint(file: directory + "/golden.safetensors"))
        let wanted = try golden.tensor("hf.itc_sim")
        let pairs = wanted.shape[0]
        let texts = Array(try texts(golden).prefix(pairs))
        try inference {
            let seen = try model.see(golden.tensor("vision_encoder_out").narrowed(0, 0..<pairs))
            let read = try model.textVectors(texts)
            let made = try similarities(
                model.look(seen).vectors, Tensor(read.flatMap(\.self), shape: [pairs, model.configuration.jointWidth]))
            for (made, wanted) in zip(made, try wanted.floats()) { #expect(abs(made - wanted) <= 1e-5) }
            let logits = try golden.tensor("hf.itm_logits").floats()
            for pair in 0..<pairs {
                // The answer does not hang on the texts beside it, or on their order.
                let made = try model.matchLogits(seen.selecting([pair]), texts + texts.reversed())
                #expect(abs(made[pair] - logits[2 * pair + 1]) <= 1e-4)
                #expect(abs(made[2 * pairs - 1 - pair] - logits[2 * pair + 1]) <= 1e-4)
            }
        }
    }

    @Test("an evaluation gives what all pairs, computed one by one, say", arguments: goldens, [1, 2, 100])
    func oneByOne(directory: String, candidates: Int) throws {
        let (model, golden) = (try model(directory), try Checkpoint(file: directory + "/golden.safetensors"))
        let (texts, states) = (try texts(golden), try golden.tensor("vision_encoder_out"))
        // The first image has two captions, and the last one's is the first one's too.
        let set = RetrievalSet(
            captions: texts.indices.map {
                $0 == 0 ? [texts[0], texts[1]] : $0 == texts.count - 1 ? [texts[0]] : [texts[$0]]
            })
        let made = try evaluateRetrieval(of: model, on: set, candidates: candidates, block: 2) { images in
            try states.narrowed(0, images)
        }
        try inference {
            var ranking = RetrievalRanking(set, candidates: candidates)
            var logits: [[Float]] = []
            for image in 0..<set.imageCount {
                let seen = try model.see(states.narrowed(0, image..<image + 1))
                let looked = try model.look(seen).vectors
                try ranking.add(
                    set.texts.flatMap { text in try similarities(looked, model.read([text])) })
                logits.append(try set.texts.map { try model.matchLogits(seen, [$0])[0] })
            }
            let pairs = ranking.pairs()
            let wanted = try ranking.reranked(
                pairs, pairs.enumerated().map { image, texts in texts.map { logits[image][$0] } })
            #expect(made.contrastive == ranking.contrastive && made.reranked == wanted)
            #expect(made.matchedPairs == pairs.reduce(0) { $0 + $1.count })
            #expect(candidates < 100 || made.matchedPairs == set.imageCount * set.texts.count)
        }
    }

    /// A data set of `rows`, each the number of its picture and its captions, in two shards.
    private func dataset(_ rows: [(picture: Int, captions: [String])]) throws -> String {
        let output = OutputDirectory(try Project.temporaryFolder("dataset"))
        try output.create()
        var shards: [DatasetDescription.Shard] = []
        for (number, range) in [0..<rows.count / 2, rows.count / 2..<rows.count].enumerated() {
            let writer = try ShardWriter(path: output.shardPath("s-00000\(number)"), level: 1)
            for row in range {
                try writer.append(
                    ShardSample(
                        image: png(rows[row].picture), imageExtension: "png",
                        metadata: SampleMetadata(
                            key: SampleID(source: "s", row: row).key, source: "s", url: "", width: 20, height: 12,
                            originalWidth: 20, originalHeight: 12, sha256: "",
                            webCaption: row % 2 == 0 ? "web \(row)" : "",
                            captions: rows[row].captions.map { ScoredCaption(text: $0, score: 0, origin: .human) })))
            }
            let summary = try writer.finish()
            shards.append(
                DatasetDescription.Shard(
                    name: "s-00000\(number)", source: "s", samples: range.count, bytes: summary.byteCount,
                    sha256: summary.sha256.hex, tableBytes: nil, tableSHA256: nil))
        }
        let description = DatasetDescription(
            name: "s", manifestDigest: "", modelDigests: [:], softwareVersion: "", complete: true, totals: .init(),
            shards: shards)
        try output.write(description.json(), to: "dataset.json")
        return output.root
    }

    private func png(_ seed: Int) throws -> [UInt8] {
        var random = SplitMix64(seed: UInt64(seed))
        return try encodePNG(
            PixelImage(width: 20, height: 12, rgb: (0..<720).map { _ in UInt8.random(in: 0...255, using: &random) }))
    }

    @Test("samples of one image are one, and engines, batches and what is held change nothing")
    func dataSet() async throws {
        let words = [
            "a red square", "two dogs", "a small stone", "blue water", "a big line", "an old box", "sky", "grass",
        ]
        var rows = (0..<9).map { (picture: $0, captions: [words[$0 % 8], words[($0 + 3) % 8]]) }
        rows.insert((picture: 2, captions: ["the same picture again", words[2]]), at: 3)
        rows.append((picture: 0, captions: ["at the end, once more"]))
        let (folder, model) = (try dataset(rows), try Project.temporaryFolder("model"))
        defer { for folder in [folder, model] { try? FileManager.default.removeItem(atPath: folder) } }
        try RandomCheckpoint.writePhaseOne(to: model, seed: 5)
        func evaluation(_ engines: Int) throws -> RetrievalEvaluation {
            RetrievalEvaluation(
                try RetrievalModel(directory: model, precision: .float32, on: .cpu), EnginePool(engineCount: engines))
        }
        var one = try evaluation(1)
        one.candidates = 3
        let told = Locked<[RetrievalEvaluation.Part: Int]>([:])
        let wanted = try await one.run(on: .datasets([Dataset(at: folder)], .kept)) { part, done, total in
            told.withLock { $0[part] = done }
            #expect(done <= total)
        }
        #expect(wanted.images == 9 && wanted.captions == 20)
        #expect(told.withLock { $0 } == [.images: 9, .texts: 10, .comparing: 9, .matching: 9])
        for (engines, batch, held) in [(3, 1, 0), (2, 4, 30_000), (1, 2, 1 << 30)] {
            var other = try evaluation(engines)
            (other.candidates, other.batch, other.heldByteLimit) = (3, batch, held)
            #expect(try await other.run(on: .datasets([Dataset(at: folder)], .kept)) { _, _, _ in } == wanted)
        }
        // The same pictures as files, in the order that their captions are given in.
        let files = try Project.temporaryFolder("files")
        defer { try? FileManager.default.removeItem(atPath: files) }
        for (number, row) in rows.enumerated() {
            try Data(png(row.picture)).write(to: URL(fileURLWithPath: "\(files)/COCO_val2014_\(100 + number).png"))
        }
        let people = rows.enumerated().map { (id: "\(100 + $0)", file: String?.none, captions: $1.captions + [" "]) }
        let found = try ImageFolder([files]).captioned(people)
        #expect(try await one.run(on: .files(found)) { _, _, _ in } == wanted)
        let lost = #expect(throws: EvaluationError.self) {
            try ImageFolder([files]).captioned(people + [(id: "99", file: nil, captions: ["a"])])
        }
        #expect(lost?.path == files && lost?.detail == "1 of 12 images not found, such as 99")
        one.limit = 3
        let web = try await one.run(on: .datasets([Dataset(at: folder)], .web)) { _, _, _ in }
        #expect(web.images == 3 && web.captions == 3)
        let twice = CaptionedImages.datasets([Dataset(at: folder), Dataset(at: folder)], .best)
        #expect(try await one.run(on: twice) { _, _, _ in }.captions == 4)
        await #expect(throws: EvaluationError.self) {
            try await one.run(on: .datasets([Dataset(at: folder + "/none")], .kept)) { _, _, _ in }
        }
        await #expect(throws: EvaluationError.self) { try await one.run(on: .files([])) { _, _, _ in } }
    }
}
