import Captioning
import Foundation
import ModelFolders
import Tensors
import TestSupport
import Testing

@Suite("Weights that cannot be used")
struct WeightFaultTests {
    private func withModel<Value>(_ body: (String) throws -> Value) throws -> Value {
        let folder = try Project.temporaryFolder("weights")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try RandomCheckpoint.writeBLIP(to: folder, seed: 1)
        return try body(folder)
    }

    private func load(_ folder: String, _ precision: Precision = .float32) throws(ModelError) {
        _ = try BLIPCaptioner(directory: folder, seed: 1, precision: precision, engines: EnginePool())
    }

    /// The model's loading fails with one line that says each of `texts`.
    private func expectFault(_ folder: String, _ texts: [String], in precision: Precision = .float32) {
        let error = #expect(throws: ModelError.self) { try load(folder, precision) }
        let line = error?.description ?? ""
        #expect(!line.contains("\n"))
        for text in texts { #expect(line.contains(text), "\(line)") }
    }

    private func change(_ folder: String, _ name: String, _ body: (Tensor) throws -> Tensor) throws {
        let checkpoint = try Checkpoint(directory: folder)
        var tensors: [String: Tensor] = [:]
        for name in checkpoint.names { tensors[name] = try checkpoint.tensor(name) }
        tensors[name] = try body(try #require(tensors[name]))
        try writeSafetensors(tensors, to: folder + "/model.safetensors")
    }

    private static let pointer = """
        version https://git-lfs.github.com/spec/v1
        oid sha256:4665d7fe7d0b2c0f1e5c1d7b5e5a5c3f1c6b2b3a0a9f8e7d6c5b4a3f2e1d0c9b
        size 1791087872

        """

    @Test(
        "Git LFS pointers are told from the files that they stand for",
        arguments: ["model.safetensors", "config.json", "preprocessor_config.json", "vocab.txt"])
    func pointers(file: String) throws {
        try withModel { folder in
            try Self.pointer.write(toFile: folder + "/" + file, atomically: true, encoding: .utf8)
            expectFault(folder, [folder, "Git LFS pointer", "git lfs pull"])
        }
    }

    @Test(
        "other formats are named, with what to do",
        arguments: [
            ("pytorch_model.bin", "ends in .safetensors"), ("model.pt", "pytorch_model.bin"),
            ("tf_model.h5", "save_pretrained"), ("flax_model.msgpack", "save_pretrained"),
        ])
    func formats(file: String, advice: String) throws {
        try withModel { folder in
            try FileManager.default.moveItem(atPath: folder + "/model.safetensors", toPath: folder + "/" + file)
            expectFault(folder, [file, advice])
        }
    }

    @Test("a file of PyTorch's under another name, a web page and a file cut short are told apart")
    func contents() throws {
        try withModel { folder in
            let path = folder + "/model.safetensors"
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for (bytes, text) in [
                (Data("PK\u{3}\u{4}  archive/data.pkl".utf8), "a file of PyTorch's"),
                (Data("<!doctype html><html>".utf8), "web page"),
                (whole.prefix(whole.count - 1), "cut short"), (whole.prefix(100), "cut short"),
                (Data("short".utf8), "too few"), (Data(repeating: 0xff, count: 64), "not a safetensors file"),
            ] {
                try bytes.write(to: URL(fileURLWithPath: path))
                expectFault(folder, ["model.safetensors", text])
            }
        }
    }

    @Test("a shard that the index names and that is not there is named")
    func shard() throws {
        try withModel { folder in
            let names = try Checkpoint(directory: folder).names
            try FileManager.default.moveItem(
                atPath: folder + "/model.safetensors", toPath: folder + "/model-00001-of-00002.safetensors")
            let map = Dictionary(
                uniqueKeysWithValues: names.enumerated().map { ($1, "model-0000\($0 % 2 + 1)-of-00002.safetensors") })
            try JSONSerialization.data(withJSONObject: ["weight_map": map])
                .write(to: URL(fileURLWithPath: folder + "/model.safetensors.index.json"))
            expectFault(folder, ["model-00002-of-00002.safetensors", "names it"])
        }
    }

    @Test("numbers that are not finite are refused", arguments: [Float.nan, .infinity, -.infinity])
    func notFinite(number: Float) throws {
        try withModel { folder in
            let name = "text_decoder.cls.predictions.bias"
            try change(folder, name) { tensor in
                var values = try tensor.floats()
                values[3] = number
                return try Tensor(values, shape: tensor.shape)
            }
            expectFault(folder, ["model.safetensors", name, "not finite"])
        }
    }

    @Test("numbers that are too large for float16 are refused there, and taken in float32")
    func overflow() throws {
        try withModel { folder in
            try change(folder, "text_decoder.cls.predictions.bias") { tensor in
                try Tensor([Float](repeating: 1e5, count: tensor.shape[0]), shape: tensor.shape)
            }
            try load(folder)
            expectFault(folder, ["float16", "another precision"], in: .float16)
        }
    }

    @Test("float64 and integers are refused by name")
    func types() throws {
        for (dtype, text) in [(DType.float64, "F64"), (.int64, "int64"), (.uint8, "uint8")] {
            try withModel { folder in
                let name = "vision_model.post_layernorm.weight"
                try change(folder, name) { try $0.to(dtype) }
                expectFault(folder, [name, text, "not computed with"])
            }
        }
    }
}
