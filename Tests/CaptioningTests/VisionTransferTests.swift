import Foundation
import ModelFolders
import Tensors
import TestSupport
import Testing
import TextTokenizers
import VisionLanguage

@testable import Captioning

@Suite("A model that begins with another's image transformer")
struct VisionTransferTests {
    private func withModels(_ body: (_ captioner: String, _ ranker: String) throws -> Void, patch: Int = 16) throws {
        let folder = try Project.temporaryFolder("transfer")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var (blip, clip) = (RandomCheckpoint.Size.smallBLIP, RandomCheckpoint.Size.smallCLIP)
        (blip.imageSide, clip.imageSide, clip.patchSide) = (64, 64, patch)
        try RandomCheckpoint.writeBLIP(blip, to: folder + "/captioner", seed: 1)
        let words = BytePairVocabulary.learn(from: WordCounts(.bytePair, of: ["a red circle"]), limit: 600)
        try RandomCheckpoint.writeCLIP(clip, vocabulary: words, to: folder + "/ranker", seed: 2)
        try body(folder + "/captioner", folder + "/ranker")
    }

    @Test("has its blocks, projections fused, and keeps its own text decoder")
    func transfer() throws {
        try withModels { captioner, ranker in
            let before = try Checkpoint(directory: captioner).tensor("text_decoder.cls.predictions.bias").floats()
            try transferVision(from: ranker, to: captioner)
            let (blip, clip) = (try Checkpoint(directory: captioner), try Checkpoint(directory: ranker))
            let block = "vision_model.encoder.layers.1."
            let parts = try ["q", "k", "v"].flatMap { try clip.tensor(block + "self_attn.\($0)_proj.weight").floats() }
            #expect(try blip.tensor(block + "self_attn.qkv.weight").floats() == parts)
            #expect(
                try blip.tensor(block + "self_attn.projection.weight").floats()
                    == clip.tensor(block + "self_attn.out_proj.weight").floats())
            #expect(
                try blip.tensor("vision_model.embeddings.position_embedding").floats()
                    == clip.tensor("vision_model.embeddings.position_embedding.weight").floats())
            #expect(try blip.tensor("text_decoder.cls.predictions.bias").floats() == before)
            _ = try BLIPCaptioner(directory: captioner, seed: 1, engines: EnginePool())
        }
    }

    @Test("takes a captioner's for a ranker: there and back again it is the same, but for the bias of the patches")
    func backAgain() throws {
        try withModels { captioner, ranker in
            let before = try Checkpoint(directory: captioner)
            let names = before.names.filter { $0.hasPrefix("vision_model.") }
            let values = try names.map { try before.tensor($0).floats() }
            let norm = try Checkpoint(directory: ranker).tensor("vision_model.pre_layrnorm.weight").floats()
            try transferVision(from: captioner, to: ranker)
            let between = try Checkpoint(directory: ranker)
            #expect(try between.tensor("vision_model.pre_layrnorm.weight").floats() == norm)
            _ = try CLIPRanker(directory: ranker, engines: EnginePool())
            try transferVision(from: ranker, to: captioner)
            let after = try Checkpoint(directory: captioner)
            // The bias is zero in a new model, so that the positions come back as they were.
            for (name, value) in zip(names, values) { #expect(try after.tensor(name).floats() == value, "\(name)") }
        }
    }

    @Test("of another size is refused, with the parameter that shows it")
    func otherSize() throws {
        try withModels(
            { captioner, ranker in
                let error = #expect(throws: ModelError.self) { try transferVision(from: ranker, to: captioner) }
                #expect(error?.code == .badWeights)
                #expect(error?.description.contains("embedding") == true)
            }, patch: 8)
    }
}
