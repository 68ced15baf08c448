import Captioning
import Decoding
import Foundation
import ModelFolders
import Tensors
import TestSupport
import Testing
import VisionLanguage

@Suite("Model directories")
struct ModelDirectoryTests {
    private func withModel<Value>(_ body: (String) throws -> Value) throws -> Value {
        let folder = try Project.temporaryFolder("directory")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try RandomCheckpoint.writeBLIP(to: folder, seed: 1)
        return try body(folder)
    }

    private func load(_ folder: String, _ sampling: SamplingOptions = SamplingOptions()) throws(ModelError) {
        _ = try BLIPCaptioner(directory: folder, sampling: sampling, seed: 1, engines: EnginePool())
    }

    private func replace(_ text: String, by other: String, in file: String) throws {
        let old = try String(contentsOfFile: file, encoding: .utf8)
        try #require(old.contains(text), "\(text) in \(file)")
        try old.replacingOccurrences(of: text, with: other).write(toFile: file, atomically: true, encoding: .utf8)
    }

    @Test(
        "files that are missing are named",
        arguments: [
            ("config.json", ModelError.Code.missingFile), ("model.safetensors", .missingFile),
            ("vocab.txt", .badTokenizer),
        ])
    func missing(file: String, code: ModelError.Code) throws {
        try withModel { folder in
            try FileManager.default.removeItem(atPath: folder + "/" + file)
            let error = #expect(throws: ModelError.self) { try load(folder) }
            #expect(error?.code == code)
            #expect(error?.description.contains(file) == true)
        }
    }

    @Test(
        "a configuration that does not fit is named with file and key",
        arguments: [
            ("\"hidden_size\" : 64", "\"hidden_size\" : 60", ModelError.Code.badWeights, "shape"),
            ("\"hidden_size\" : 64", "\"hidden_size\" : \"64\"", .badConfiguration, "hidden_size"),
            ("\"hidden_size\" : 64", "\"hidden_size\" : -64", .badConfiguration, "hidden_size"),
            ("\"num_attention_heads\" : 4", "\"num_attention_heads\" : 5", .badConfiguration, "num_attention_heads"),
            ("\"patch_size\" : 16", "\"patch_size\" : 17", .badConfiguration, "vision_config.patch_size"),
            ("\"num_hidden_layers\" : 2", "\"num_hidden_layers\" : 1", .badWeights, "layer.1"),
            ("\"num_hidden_layers\" : 2", "\"num_hidden_layers\" : 3", .badWeights, "layers.2"),
            ("\"hidden_act\" : \"gelu\"", "\"hidden_act\" : \"relu\"", .badConfiguration, "hidden_act"),
            ("\"sep_token_id\" : 3", "\"sep_token_id\" : 4", .badTokenizer, "ends texts with 4"),
            ("\"text_config\" : {", "\"text_config\" : [{", .badConfiguration, "JSON"),
        ])
    func configuration(old: String, new: String, code: ModelError.Code, says: String) throws {
        try withModel { folder in
            try replace(old, by: new, in: folder + "/config.json")
            let error = #expect(throws: ModelError.self) { try load(folder) }
            #expect(error?.code == code)
            #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
            #expect(error?.path.hasPrefix(folder) == true)
        }
    }

    @Test("tensors that a model does not know are reported, known leftovers of training are not")
    func leftovers() throws {
        try withModel { folder in
            let path = folder + "/model.safetensors"
            var tensors: [String: Tensor] = [:]
            let checkpoint = try Checkpoint(directory: folder)
            for name in checkpoint.names { tensors[name] = try checkpoint.tensor(name) }
            tensors["text_decoder.bert.embeddings.position_ids"] = try Tensor(Array(0..<8), shape: [1, 8])
            tensors["text_decoder.cls.predictions.decoder.bias"] = tensors["text_decoder.cls.predictions.bias"]
            try writeSafetensors(tensors, to: path)
            try load(folder)
            tensors["text_decoder.cls.predictions.bias"] = nil
            try writeSafetensors(tensors, to: path)
            try load(folder)
            tensors["vision_model.stranger"] = try Tensor([1] as [Float], shape: [1])
            try writeSafetensors(tensors, to: path)
            let error = #expect(throws: ModelError.self) { try load(folder) }
            #expect(error?.code == .badWeights)
            #expect(error?.description.contains("vision_model.stranger") == true)
        }
    }

    @Test(
        "a preprocessor that asks for something else is refused",
        arguments: [
            ("\"resample\" : 3", "\"resample\" : 2", "resample"), ("\"height\" : 96", "\"height\" : 48", "size"),
        ])
    func preprocessor(old: String, new: String, says: String) throws {
        try withModel { folder in
            try replace(old, by: new, in: folder + "/preprocessor_config.json")
            let error = #expect(throws: ModelError.self) { try load(folder) }
            #expect(error?.code == .badConfiguration)
            #expect(error?.description.contains(says) == true)
        }
    }

    @Test("a preprocessor's numbers are three, and no value is passed over", arguments: ["image_mean", "image_std"])
    func numbers(key: String) throws {
        try withModel { folder in
            let path = folder + "/preprocessor_config.json"
            let old = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
            for value in [[0.5, NSNull(), 0.5, 0.5], [0.5, "0.5", 0.5], [0.5, 0.5], []] as [[Any]] {
                var new = try #require(old as? [String: Any])
                new[key] = value
                try JSONSerialization.data(withJSONObject: new).write(to: URL(fileURLWithPath: path))
                let error = #expect(throws: ModelError.self, "\(value)") { try load(folder) }
                #expect(error?.code == .badConfiguration && error?.description.contains(key) == true)
            }
        }
    }

    @Test("a description that cannot be read is not copied as an empty one")
    func copies() throws {
        try withModel { folder in
            let directory = try ModelDirectory(folder)
            try Data("{".utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
            let target = folder + "/copy"
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
            let error = #expect(throws: ModelError.self) { try directory.copyDescription(to: target, dtype: .float32) }
            #expect(error?.code == .badConfiguration && error?.path == folder + "/config.json")
            #expect(!FileManager.default.fileExists(atPath: target + "/config.json"))
        }
    }

    @Test("options that cannot work with the model are refused")
    func options() throws {
        try withModel { folder in
            let bad = [
                SamplingOptions(maxLength: 4), SamplingOptions(maxLength: 600), SamplingOptions(minLength: 30),
                SamplingOptions(topP: 0), SamplingOptions(topP: 1.5), SamplingOptions(topK: -1),
                SamplingOptions(repetitionPenalty: 0),
            ]
            for sampling in bad {
                let error = #expect(throws: ModelError.self) { try load(folder, sampling) }
                #expect(error?.code == .badOption)
            }
        }
    }

    @Test("the heads of the released captioners are 12, whatever their files say; other models have theirs")
    func heads() throws {
        func heads(_ text: String) throws -> Int {
            try BLIPConfiguration(json: Data("{\"text_config\": {\(text)}}".utf8)).text.heads
        }
        #expect(try heads("") == 12)
        #expect(try heads("\"num_attention_heads\": 8") == 12)
        #expect(try heads("\"num_attention_heads\": 12") == 12)
        #expect(try heads("\"num_attention_heads\": 8, \"vocab_size\": 31000") == 8)
    }
}
