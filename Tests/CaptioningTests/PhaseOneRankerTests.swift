import BLIP2Models
import Captioning
import Foundation
import Images
import Layers
import ModelFolders
import RandomNumbers
import Stages
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("A phase-1 model as a ranker")
struct PhaseOneRankerTests {
    private static let goldens = Project.root + "/Tests/Goldens/blip2/"

    /// Runs `body` with a folder that is removed afterwards.
    private func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let folder = try Project.temporaryFolder("phase-one")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }

    /// A golden's model as a whole folder: with words for its tokens and what an image processor needs.
    private func writeModel(_ name: String, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for file in ["config.json", "model.safetensors"] {
            try FileManager.default.copyItem(atPath: Self.goldens + name + "/" + file, toPath: folder + "/" + file)
        }
        let configuration = try BLIP2Configuration(
            json: Data(contentsOf: URL(fileURLWithPath: folder + "/config.json")))
        let side = configuration.encoder.vision.imageSide
        let words = (5..<configuration.startToken).map { "w" + String(repeating: "o", count: $0) }
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words + ["[DEC]"]
        try (tokens.joined(separator: "\n") + "\n").write(
            toFile: folder + "/vocab.txt", atomically: true, encoding: .utf8)
        try #"{"tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 512}"#.write(
            toFile: folder + "/tokenizer_config.json", atomically: true, encoding: .utf8)
        try """
        {"image_processor_type": "BlipImageProcessor", "do_resize": true, "do_rescale": true, "do_normalize": true,
         "size": {"height": \(side), "width": \(side)}, "resample": 3, "rescale_factor": 0.00392156862745098,
         "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
        """.write(toFile: folder + "/preprocessor_config.json", atomically: true, encoding: .utf8)
    }

    private func picture(_ seed: UInt64) -> PixelImage {
        var random = SplitMix64(seed: seed)
        return PixelImage(
            width: 61, height: 47, rgb: (0..<61 * 47 * 3).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    @Test("gives transformers' similarity and logit of matching within 1e-4", arguments: ["even", "odd"])
    func parity(name: String) async throws {
        try await withFolder { folder in
            try writeModel(name, to: folder)
            let image = picture(4)
            try Data(encodePNG(image)).write(to: URL(fileURLWithPath: folder + "/image.png"))
            let words = (5..<12).map { "w" + String(repeating: "o", count: $0) }
            let captions = [
                words[0], "\(words[1]) \(words[2]).", "  \(words[3].uppercased()): \(words[4])! \(words[5])",
            ]
            let script = """
                import json, sys, torch
                from PIL import Image
                from transformers import BertTokenizer, Blip2ForImageTextRetrieval, BlipImageProcessor
                folder, captions = sys.argv[1], sys.argv[2:]
                model = Blip2ForImageTextRetrieval.from_pretrained(folder).eval()
                pixels = BlipImageProcessor.from_pretrained(folder)(
                    Image.open(folder + "/image.png"), return_tensors="pt")["pixel_values"]
                texts = BertTokenizer.from_pretrained(folder)(captions, padding=True, return_tensors="pt")
                with torch.no_grad():
                    inputs = dict(pixel_values=pixels.expand(len(captions), -1, -1, -1), input_ids=texts["input_ids"],
                                  attention_mask=texts["attention_mask"])
                    itc = model(**inputs, use_image_text_matching_head=False).logits_per_image
                    itm = model(**inputs, use_image_text_matching_head=True).logits_per_image
                print(json.dumps([itc[0].tolist(), itm[:, 1].tolist()]))
                """
            // What is cleaned here before it is encoded, transformers is given clean.
            let clean = [words[0], "\(words[1]) \(words[2])", "\(words[3]) \(words[4]) \(words[5])"]
            let printed = try Python.run(script, [folder] + clean)
            let wanted = try JSONDecoder().decode([[Double]].self, from: Data(printed.utf8))
            let ranker = try PhaseOneRanker(directory: folder, precision: .float32, engines: EnginePool())
            let request = RankRequest(key: "x", pixels: ranker.view(image).rgb, captions: captions)
            let made = try #require(try await ranker.judge([request]).first)
            for (number, scores) in made.enumerated() {
                #expect(abs(scores.itc - wanted[0][number]) <= 1e-4, "\(captions[number])")
                #expect(abs(scores.itm - wanted[1][number]) <= 1e-4, "\(captions[number])")
            }
        }
    }

    @Test("scores have the same bits in whatever batches, order and number of engines the images come")
    func independence() async throws {
        try await withFolder { folder in
            try RandomCheckpoint.writePhaseOne(to: folder, seed: 3)
            func ranker(_ engines: Int) throws -> PhaseOneRanker {
                try PhaseOneRanker(
                    directory: folder, score: .sum, precision: .float32, engines: EnginePool(engineCount: engines))
            }
            let one = try ranker(1)
            let requests = CaptioningTests.requests(7, side: one.view.side).enumerated().map { number, request in
                RankRequest(
                    key: request.key, pixels: request.pixels,
                    captions: ["a red square", "two blue circles near a stone", "A red  square.", "\(number)", "zebra"])
            }
            let all = try await one.score(requests)
            #expect(try await ranker(3).score(requests) == all)
            for (number, request) in requests.enumerated() {
                #expect(try await one.score([request])[0] == all[number])
            }
            #expect(try await ranker(2).score(requests.reversed()) == all.reversed())
            for row in all { #expect(row[0] == row[2] && row[0] != row[1]) }
            let none = RankRequest(key: "x", pixels: requests[0].pixels, captions: [])
            #expect(try await one.score([none]) == [[]])
        }
    }

    @Test("the score is the cosine, the logit of matching, or both added")
    func choice() async throws {
        try await withFolder { folder in
            try RandomCheckpoint.writePhaseOne(to: folder, seed: 3)
            let ranker = try PhaseOneRanker(directory: folder, precision: .float32, engines: EnginePool())
            let image = CaptioningTests.requests(1, side: ranker.view.side)[0].pixels
            let request = RankRequest(
                key: "x", pixels: image, captions: ["a red square", String(repeating: "dog ", count: 90)])
            let both = try await ranker.judge([request])[0]
            for score in PhaseOneScore.allCases + [nil] {
                let made = try await loadRanker(
                    directory: folder, score: score, precision: .float32, engines: EnginePool()
                ).score([request], moved: {})
                let wanted = both.map { scores in
                    score == .itm ? scores.itm : score == .sum ? scores.itc + scores.itm : scores.itc
                }
                #expect(made == [wanted])
            }
            #expect(both.allSatisfy { abs($0.itc) <= 1.000001 && $0.itm.isFinite })
        }
    }

    @Test("the kind of a ranker is its config.json's; what does not fit is refused in one line")
    func kinds() async throws {
        try await withFolder { folder in
            try RandomCheckpoint.writeCLIP(to: folder + "/clip", seed: 1)
            try RandomCheckpoint.writeBLIP(to: folder + "/blip", seed: 1)
            try RandomCheckpoint.writePhaseOne(to: folder + "/phase1", seed: 1)
            func load(_ name: String, _ score: PhaseOneScore? = nil) throws(ModelError) -> any Ranker {
                try loadRanker(
                    directory: folder + "/" + name, score: score, precision: .float32, engines: EnginePool())
            }
            #expect(try load("clip") is CLIPRanker)
            #expect(try load("phase1", .itm) is PhaseOneRanker)
            for (name, score, code, part) in [
                ("clip", PhaseOneScore.itc, ModelError.Code.badOption, "one score, the cosine"),
                ("blip", nil, .badConfiguration, "clip or blip-2"),
                ("nowhere", nil, .missingFile, "config.json"),
            ] {
                let error = #expect(throws: ModelError.self) { try load(name, score) }
                #expect(
                    error?.code == code && error?.message.contains(part) == true,
                    "\(name): \(String(describing: error))")
                #expect(error?.description.contains("\n") == false)
            }
            // What remains of a model of phase 2.
            let whole = try Checkpoint(directory: folder + "/phase1")
            let kept = try whole.names.filter { !$0.hasPrefix("itm_head") }.map { name in
                let tensor = try whole.tensor(name)
                return PendingTensor(name: name, dtype: tensor.dtype, shape: tensor.shape) { try tensor.bytes() }
            }
            try writeSafetensors(kept, to: folder + "/other.safetensors")
            try FileManager.default.removeItem(atPath: folder + "/phase1/model.safetensors")
            try FileManager.default.moveItem(
                atPath: folder + "/other.safetensors", toPath: folder + "/phase1/model.safetensors")
            let error = #expect(throws: ModelError.self) { try load("phase1") }
            #expect(error?.message.contains("no head for matching") == true, "\(String(describing: error))")
        }
    }

    @Test("other precisions stay near float32", arguments: [Precision.bfloat16, .int8])
    func precisions(precision: Precision) async throws {
        if let obstacle = precision.obstacle(on: .cpu) { try Test.cancel(Comment(rawValue: obstacle)) }
        try await withFolder { folder in
            try RandomCheckpoint.writePhaseOne(to: folder, seed: 3)
            func scores(_ precision: Precision) async throws -> [PairScores] {
                let ranker = try PhaseOneRanker(directory: folder, precision: precision, engines: EnginePool())
                let image = CaptioningTests.requests(1, side: ranker.view.side)[0].pixels
                return try await ranker.judge([
                    RankRequest(key: "x", pixels: image, captions: ["a red square", "two dogs", "stone"])
                ])[0]
            }
            for (made, exact) in zip(try await scores(precision), try await scores(.float32)) {
                #expect(abs(made.itc - exact.itc) < 0.05 && abs(made.itm - exact.itm) < 0.05)
            }
        }
    }
}
