import Captioning
import Decoding
import Foundation
import ModelFolders
import Stages
import Tensors
import TestSupport
import Testing
import VisionLanguage

/// Checkpoints whose description is changed one key at a time; `Tests/Goldens/make_description_goldens.py` asked
/// transformers what it makes of each.
@Suite("A checkpoint's description, key by key, against transformers")
struct DescriptionTests {
    /// What came of a checkpoint.
    private enum Outcome {
        case captions([GeneratedCaption])
        case scores([[Double]])
        case refused(ModelError)
    }

    private struct Golden {
        let files: [String: Any]
        let plain: [String: Any]
        let cases: [[String: Any]]
        let texts: [String]
        let weights: String
        let pixels: [[UInt8]]

        init(_ kind: String) throws {
            let goldens = Project.root + "/Tests/Goldens/"
            let json = try Data(contentsOf: URL(fileURLWithPath: goldens + "descriptions.json"))
            let all = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
            let part = try #require(all[kind] as? [String: Any])
            files = try #require(part["files"] as? [String: Any])
            plain = try #require(part["plain"] as? [String: Any])
            cases = try #require(part["cases"] as? [[String: Any]])
            texts = try #require(all["texts"] as? [String])
            weights = goldens + "models/\(kind)-even/model.safetensors"
            let images = try Checkpoint(file: goldens + "models/\(kind)-even/golden.safetensors").tensor("pixels")
            let (bytes, count) = (try images.bytes(), images.shape[0])
            pixels = (0..<count).map { Array(bytes[$0 * bytes.count / count..<($0 + 1) * bytes.count / count]) }
        }

        /// The files of one case.
        func files(of one: [String: Any]) throws -> [String: Any] {
            let (name, path) = (try #require(one["file"] as? String), try #require(one["path"] as? [String]))
            var files = files
            files[name] = try changed(try #require(files[name] as? [String: Any]), path[...], one["value"])
            return files
        }

        /// An object is merged into the image processor, other values take the place of what is there.
        private func changed(_ object: [String: Any], _ path: ArraySlice<String>, _ value: Any?) throws -> [String: Any]
        {
            var object = object
            let key = try #require(path.first)
            if path.count > 1 {
                object[key] = try changed(object[key] as? [String: Any] ?? [:], path.dropFirst(), value)
            } else if key == "image_processor", let more = value as? [String: Any] {
                object[key] = (object[key] as? [String: Any] ?? [:]).merging(more) { $1 }
            } else {
                object[key] = value
            }
            return object
        }
    }

    private func outcome(_ golden: Golden, _ files: [String: Any], isCaptioner: Bool) async throws -> Outcome {
        let folder = try Project.temporaryFolder("description")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, content) in files {
            let bytes =
                try (content as? String).map { Data($0.utf8) } ?? JSONSerialization.data(withJSONObject: content)
            try bytes.write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/model.safetensors", withDestinationPath: golden.weights)
        do {
            guard isCaptioner else {
                let ranker = try CLIPRanker(directory: folder, precision: .float32, engines: EnginePool())
                let requests = golden.pixels.map { RankRequest(key: "", pixels: $0, captions: golden.texts) }
                return .scores(try await ranker.score(requests))
            }
            let sampling = SamplingOptions(minLength: 6, maxLength: 16, repetitionPenalty: 1.3, greedy: true)
            let captioner = try BLIPCaptioner(
                directory: folder, sampling: sampling, seed: 1, precision: .float32, engines: EnginePool())
            let requests = golden.pixels.map { CaptionRequest(key: "", pixels: $0) }
            return .captions(try await captioner.caption(requests, count: 1).map { $0[0] })
        } catch let error as ModelError {
            return .refused(error)
        }
    }

    /// Whether `outcome` is what transformers made.
    private func equals(_ outcome: Outcome, _ made: [String: Any]) -> Bool {
        switch outcome {
        case .refused: return false
        case .captions(let captions):
            guard let tokens = made["tokens"] as? [[Int]], let sums = made["logprobs"] as? [Double] else {
                return false
            }
            return captions.map(\.tokens) == tokens
                && zip(captions, sums).allSatisfy { abs($0.logprob - $1) < 2e-3 * max(1, abs($1) / 20) }
        case .scores(let rows):
            guard let wanted = made["scores"] as? [[Double]] else { return false }
            return zip(rows.joined(), wanted.joined()).allSatisfy { abs($0 - $1) < 1e-5 }
        }
    }

    @Test(
        "what changes pixels, logits or tokens is used as transformers uses it, or refused",
        arguments: ["blip", "clip"])
    func everyKey(kind: String) async throws {
        let golden = try Golden(kind)
        let plain = try await outcome(golden, golden.files, isCaptioner: kind == "blip")
        #expect(equals(plain, golden.plain), "the plain checkpoint: \(plain)")
        var (used, refused) = (0, 0)
        for one in golden.cases {
            let name = "\(one["file"] ?? "") \(one["path"] ?? "") = \(one["value"] ?? "absent")"
            let made = try await outcome(golden, golden.files(of: one), isCaptioner: kind == "blip")
            if case .refused(let error) = made {
                refused += 1
                #expect(!error.description.contains("\n"), "\(name)")
            } else {
                // What transformers takes not, for its type, may be taken where it changes nothing.
                let isSame = one["same"] != nil || one["failed"] != nil
                used += isSame ? 0 : 1
                #expect(equals(made, isSame ? golden.plain : one), "\(name): \(made)")
            }
        }
        #expect(used >= 15, "\(used) of \(golden.cases.count) were used, \(refused) refused")
    }
}
